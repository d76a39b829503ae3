"""Layout of the Webcam tab."""

from __future__ import annotations

import gradio as gr

from demo import html
from demo.handlers import live as handlers
from demo.handlers.requests import STYLES
from demo.tabs.parts import DEFAULT_STYLES, model_picker

_MINUTES = 5
_VISITORS = 4  # at once: each keeps a place for as long as the camera runs
_INTRO = f"""\
Press **Record** under the camera. Faces are followed from frame to frame: the detector runs only \
now and then, and the points are smoothed. Nothing is stored. After {_MINUTES} minutes the camera \
pauses, so that others can use it; press again to continue."""


def build() -> None:
    """Add the tab's elements to the page."""
    session = gr.State(None)
    gr.Markdown(_INTRO, elem_classes="fkp-intro")
    with gr.Row(equal_height=False, elem_classes="fkp-flow"):
        with gr.Column(scale=2, min_width=300):
            camera = gr.Image(
                sources=["webcam"],
                streaming=True,
                label="Camera",
                height=320,
                buttons=[],
                elem_id="camera",
                webcam_options=gr.WebcamOptions(
                    constraints={"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}}
                ),
            )
            model = model_picker()
            styles = gr.CheckboxGroup(list(STYLES), value=DEFAULT_STYLES, label="Draw", elem_id="live-styles")
        with gr.Column(scale=3, min_width=300):
            figures = gr.HTML(html.note("The camera is off."), elem_id="live-figures")
            picture = gr.Image(
                label="Landmarks", interactive=False, buttons=[], height=480, elem_id="live-overlay"
            )
    camera.stream(
        handlers.step,
        [camera, model, styles, session],
        [picture, figures, session],
        preprocess=False,
        postprocess=False,
        stream_every=0.06,  # seconds: frames sent faster than they are processed cost both sides time
        time_limit=_MINUTES * 60,
        concurrency_limit=_VISITORS,
        show_progress="hidden",
        api_visibility="private",
    )
