"""Layout of the Inside tab."""

from __future__ import annotations

import gradio as gr

from demo import html
from demo.handlers import inside as handlers
from demo.tabs.parts import PICTURES, model_picker, picture_input, tiles

_INTRO = """\
What a network computes: the filters of its first layer, and the feature maps of its \
layers for a face. Every map is drawn from its own lowest (violet) to its own highest value (yellow); in the \
filters, gray is zero."""


def build() -> None:
    """Add the tab's elements to the page."""
    gr.Markdown(_INTRO, elem_classes="fkp-intro")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            picture = picture_input("inside-picture")
            model = model_picker()
            start = gr.Button("Look inside", variant="primary", elem_id="start-inside")
        with gr.Column(scale=3, min_width=300):
            message = gr.HTML(html.note("Choose a model, then press Look inside."), elem_id="inside-message")
            with gr.Row():
                crop = _picture("What the network sees", 2)
                filters = _picture("Filters of the first layer", 3)
    layers = tiles("Feature maps", 2, "fkp-maps")
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
        label=label,
        interactive=False,
        buttons=["fullscreen"],
        height=300,
        scale=scale,
        min_width=220,
        elem_classes="fkp-fill",
    )
