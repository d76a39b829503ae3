"""What several tabs have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from demo import models
from demo.handlers import model_card

EXAMPLES = sorted(str(path) for path in (Path(__file__).resolve().parents[1] / "examples").glob("*.jpg"))

DEFAULT_STYLES = ["Points", "Outlines"]

# Work on pictures is short and uses every core: two at a time, the others wait.
PICTURES: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "pictures"}

# What the parts of a model's label are.
MEANING = (
    "Points found · error (NME) · time for a face on one core · size. The best of a kind first; of those "
    "within a tenth of a percent of it, the fastest."
)


def picture_input(elem_id: str, label: str = "Picture", height: int = 280) -> gr.Image:
    """Where a visitor's picture comes from, with the example in it; its file stays as it was sent."""
    return gr.Image(
        value=EXAMPLES[0] if EXAMPLES else None,
        type="filepath",
        image_mode=None,
        label=label,
        height=height,
        buttons=[],
        elem_id=elem_id,
    )


def tiles(label: str, columns: int, elem_classes: str | None = None) -> gr.Gallery:
    """Pictures side by side."""
    return gr.Gallery(
        label=label,
        columns=columns,
        fit_columns=False,
        height="auto",
        object_fit="contain",
        interactive=False,
        buttons=["fullscreen"],
        elem_classes=elem_classes,
    )


def model_picker() -> gr.Dropdown:
    """A picker of the usable models, above a card that describes the chosen one."""
    known = models.choices()
    first = known[0][1] if known else None
    picker = gr.Dropdown(
        known, value=first, label="Model", info=MEANING, filterable=False, elem_classes="fkp-model"
    )
    with gr.Accordion("About this model", open=False):
        card = gr.HTML(model_card.card(first))
    picker.change(
        model_card.card,
        picker,
        card,
        preprocess=False,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return picker


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
