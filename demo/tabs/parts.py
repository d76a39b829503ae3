"""What several tabs have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from demo import models
from demo.handlers import choice

EXAMPLES = sorted(str(path) for path in (Path(__file__).resolve().parents[1] / "examples").glob("*.jpg"))

# Work on pictures is short and uses every core: two at a time, the rest wait their turn.
PICTURES: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "pictures"}


def model_picker(label: str = "Model") -> tuple[gr.Dropdown, gr.HTML]:
    """A picker of the usable models, and a card that describes the chosen one."""
    known = models.choices()
    first = known[0][1] if known else None
    picker = gr.Dropdown(known, value=first, label=label, filterable=False, elem_classes="fkp-model")
    with gr.Accordion("About this model", open=False):
        card = gr.HTML(choice.card(first))
    picker.change(choice.card, picker, card, queue=False, show_progress="hidden", api_visibility="private")
    return picker, card


def download_row(*kinds: tuple[str, str]) -> list[gr.DownloadButton]:
    """Download buttons side by side that wait for their files; each kind is an id and what it says."""
    with gr.Row(elem_classes="fkp-downloads"):
        return [
            gr.DownloadButton(text, size="sm", interactive=False, min_width=70, elem_id=f"get-{kind}")
            for kind, text in kinds
        ]


def fill_downloads(*paths: str | None) -> list[gr.DownloadButton]:
    """Give each button of a row its file; one without a file stays off."""
    return [gr.DownloadButton(value=path, interactive=path is not None) for path in paths]
