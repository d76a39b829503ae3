"""Layout of the Compare tab."""

from __future__ import annotations

import gradio as gr

from demo import html, models
from demo.handlers import compare as handlers
from demo.tabs.parts import DEFAULT_STYLES, MEANING, PICTURES, picture_input, tiles

_INTRO = f"""\
Two to {handlers.MOST_MODELS} models on the same faces. The first one in the list is the reference for the \
others. With a `.pts` file of the true points, each model's error is shown too. Milliseconds are those of \
cropping the faces and of the network."""


def build() -> None:
    """Add the tab's elements to the page."""
    known = models.choices()
    gr.Markdown(_INTRO, elem_classes="fkp-intro")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            picture = picture_input("compare-picture")
            names = gr.Dropdown(
                known,
                value=_first_two([name for _, name in known]),
                label="Models",
                info=MEANING,
                multiselect=True,
                max_choices=handlers.MOST_MODELS,
                elem_id="compare-models",
            )
            truth = gr.File(label="True points (.pts), optional", file_types=[".pts"], height=120)
            start = gr.Button("Compare", variant="primary", elem_id="start-compare")
        with gr.Column(scale=3, min_width=300):
            message = gr.HTML(html.note("Choose models, then press Compare."), elem_id="compare-message")
            table = gr.HTML(elem_id="comparison")
            overlays = tiles("Each model", 2)
            differences = tiles("Differences", 1)
    start.click(
        handlers.compare,
        [picture, names, truth, gr.State(DEFAULT_STYLES)],
        [message, overlays, differences, table],
        preprocess=False,
        api_visibility="private",
        **PICTURES,
    )


def _first_two(names: list[str]) -> list[str]:
    """The best model, and the next one that is not merely another form of it."""
    others = [name for name in names if name.removesuffix("-int8") != names[0].removesuffix("-int8")]
    return [*names[:1], *others[:1]]
