"""Layout of the Video tab."""

from __future__ import annotations

import gradio as gr

from demo import html
from demo.handlers import video as handlers
from demo.handlers.requests import STYLES
from demo.tabs.parts import DEFAULT_STYLES, download_row, fill_downloads, model_picker

_INTRO = f"""\
At most **100 MB**, 3840 x 2160 pixels, **{handlers.MAX_SECONDS} seconds**, {handlers.MAX_FRAMES} frames and \
{handlers.MAX_MINUTES} minutes of processing; longer videos are cut off. The result is an H.264 video \
of at most {handlers.LARGEST_SIDE} pixels with the sound, and a table of all points in every frame."""


def build() -> None:
    """Add the tab's elements to the page."""
    gr.Markdown(_INTRO, elem_classes="fkp-intro")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            video = gr.Video(
                label="Video", sources=["upload", "webcam"], height=320, buttons=[], elem_id="video"
            )
            model = model_picker()
            styles = gr.CheckboxGroup(list(STYLES), value=DEFAULT_STYLES, label="Draw")
            with gr.Row():
                start = gr.Button("Find landmarks", variant="primary", elem_id="start-video")
                cancel = gr.Button("Cancel", interactive=False)
        with gr.Column(scale=3, min_width=300):
            message = gr.HTML(
                html.note("Choose a video, then press Find landmarks."), elem_id="video-message"
            )
            result = gr.Video(label="Landmarks", interactive=False, height=480, elem_id="video-result")
            files = download_row(("video-json", "JSON"), ("video-csv", "CSV"))
    paths = [gr.State(None) for _ in files]
    running = start.click(
        lambda: gr.Button(interactive=True), None, cancel, queue=False, api_visibility="private"
    )
    # One video at a time: it takes as long as hundreds of pictures.
    work = running.then(
        handlers.annotate,
        [video, model, styles],
        [message, result, *paths],
        preprocess=False,
        concurrency_limit=1,
        show_progress="hidden",
        api_visibility="private",
    )
    work.then(fill_downloads, paths, files, show_progress="hidden", api_visibility="private")
    work.then(lambda: gr.Button(interactive=False), None, cancel, queue=False, api_visibility="private")
    cancel.click(
        lambda: (html.note("Cancelled."), gr.Button(interactive=False)),
        None,
        [message, cancel],
        cancels=work,
        queue=False,
        api_visibility="private",
    )
