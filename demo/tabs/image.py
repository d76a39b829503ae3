"""Layout of the Image tab."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo import html
from demo.handlers import api
from demo.handlers import image as handlers
from demo.handlers.images import MAX_MEGAPIXELS
from demo.handlers.requests import STYLES
from demo.tabs.parts import (
    DEFAULT_STYLES,
    EXAMPLES,
    PICTURES,
    download_row,
    model_picker,
    picture_input,
    tiles,
)

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def build(page: gr.Blocks) -> None:
    """Add the tab's elements to the page."""
    found = gr.State(None)
    with gr.Row(equal_height=False, elem_classes="fkp-flow"):
        with gr.Column(scale=2, min_width=300):
            picture = picture_input("picture", f"Picture, at most {MAX_MEGAPIXELS} megapixels", 320)
            if EXAMPLES:
                gr.Examples(EXAMPLES, picture, label="Example (NASA, public domain)", elem_id="examples")
            model = model_picker()
            styles = gr.CheckboxGroup(list(STYLES), value=DEFAULT_STYLES, label="Draw", elem_id="styles")
        with gr.Column(scale=3, min_width=300):
            message = gr.HTML(html.note("Choose a picture."), elem_id="message")
            overlay = gr.Image(
                label="Landmarks", interactive=False, buttons=["fullscreen"], elem_id="overlay", height=520
            )
            timings = gr.HTML(elem_id="timings")
            files = download_row(("json", "JSON"), ("csv", "CSV"), ("pts", ".pts"), ("png", "PNG"))
    table = gr.HTML(elem_id="faces")
    zooms = tiles("Each face", 4, "fkp-tiles")
    with gr.Accordion("Coordinates", open=False):
        points = gr.HTML(elem_id="points")

    view = [found, message, overlay, zooms, table, timings]
    inputs = [picture, model, styles]
    # Raw values: the picture's file is decoded once, by us, so that a broken one gets a sentence.
    searched = gr.on(
        [picture.change, model.change, page.load],
        handlers.analyze,
        inputs,
        view,
        preprocess=False,
        trigger_mode="always_last",
        show_progress_on=overlay,
        **PICTURES,
        **_PRIVATE,
    )
    drawn = styles.change(
        handlers.redraw,
        [found, styles],
        [message, overlay, zooms],
        preprocess=False,
        trigger_mode="always_last",
        **PICTURES,
        **_PRIVATE,
    )
    for finished in (searched, drawn):
        finished.then(
            handlers.download_buttons,
            [found, styles],
            [*files, points],
            preprocess=False,
            show_progress="hidden",
            **PICTURES,
            **_PRIVATE,
        )
    # A picture of their own: programs that send none must not get the page's example.
    for_programs = gr.Button(visible=False)
    for_programs.click(
        api.landmarks,
        [gr.Image(type="filepath", image_mode=None, visible=False), model],
        gr.JSON(visible=False),
        preprocess=False,
        api_name="landmarks",
        **PICTURES,
    )
