"""Layout of the Inside tab."""

from __future__ import annotations

import gradio as gr

from demo import words
from demo.handlers import network as handlers
from demo.tabs.parts import EXAMPLES, PICTURES, model_picker

_INTRO = """\
What a network looks for, and what it sees: the filters of its first layer, and the feature maps that \
its layers make of a face. Every map is drawn from its own lowest (violet) to its own highest value \
(yellow)."""


def build() -> None:
    """Add the tab's elements to the page."""
    gr.Markdown(_INTRO, elem_classes="fkp-intro")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            picture = gr.Image(
                value=EXAMPLES[0] if EXAMPLES else None,
                type="filepath",
                image_mode=None,
                label="Picture",
                height=280,
                buttons=[],
            )
            model, _ = model_picker()
            start = gr.Button("Look inside", variant="primary", elem_id="start-inside")
        with gr.Column(scale=3, min_width=300):
            message = gr.HTML(words.note("Choose a model, then press Look inside."), elem_id="inside-message")
            with gr.Row():
                crop = _picture("What the network sees", 2)
                filters = _picture("Filters of the first layer", 3)
    layers = gr.Gallery(
        label="Feature maps",
        columns=2,
        fit_columns=False,
        height="auto",
        object_fit="contain",
        interactive=False,
        buttons=["fullscreen"],
        elem_classes="fkp-maps",
    )
    start.click(
        handlers.look,
        [picture, model],
        [message, crop, filters, layers],
        preprocess=False,
        api_visibility="private",
        **PICTURES,
    )


def _picture(label: str, scale: int) -> gr.Image:
    return gr.Image(
        label=label, interactive=False, buttons=["fullscreen"], height=300, scale=scale, min_width=140
    )
