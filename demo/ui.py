"""The demo's page, and how it is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes.utils.fonts import LocalFont
from starlette.middleware import Middleware

from demo.guard import MAX_UPLOAD, Guard
from demo.handlers import api
from demo.tabs import compare, image, inside, leaderboard, live, video

# Gradio brings these files along; that of its own choice for bold, weight 600, lacks most letters.
_FONT = (LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif")
_NO_CAMERA = "Browsers allow the camera only over https, or on the same computer at http://localhost."
_TITLE = """# Facial keypoints
Small networks find the landmarks of every face in your pictures and videos. \
Your files are deleted after an hour; until then, only someone with the link can see them."""


def build() -> gr.Blocks:
    """The whole page."""
    with gr.Blocks(title="Facial keypoints", analytics_enabled=False) as page:
        gr.Markdown(_TITLE, elem_id="title")
        with gr.Tabs():
            with gr.Tab("Image"):
                image.build(page)
            with gr.Tab("Webcam"):
                live.build()
            with gr.Tab("Video"):
                video.build()
            with gr.Tab("Compare"):
                compare.build()
            with gr.Tab("Leaderboard"):
                leaderboard.build()
            with gr.Tab("Inside the network"):
                inside.build()
        gr.api(api.list_models, api_name="models", queue=False)
    return page.queue(max_size=64, default_concurrency_limit=2)


def launch_options(page: gr.Blocks) -> dict[str, Any]:
    """The arguments of `launch`, here and in tests."""
    return {
        "app_kwargs": {"middleware": [Middleware(Guard, page=page)]},
        "prevent_thread_lock": True,
        "ssr_mode": False,  # a second server in front would respond without the guard's headers
        "theme": _theme(),
        "css_paths": Path(__file__).with_name("style.css"),
        "max_file_size": MAX_UPLOAD,
        "show_error": False,
        "i18n": gr.I18n(en={"image.no_webcam_support": _NO_CAMERA}),
        "run_history": False,
        "footer_links": ["api"],
        "enable_monitoring": False,
        "max_threads": 16,
        "state_session_capacity": 500,
    }


def files_of(page: gr.Blocks) -> set[Path]:
    """The files in the upload folder that belong to the page itself, such as its example.

    Gradio's lists of what it has stored lose the files that have been deleted on the way: else they grow.
    """
    for stored in page.temp_file_sets:
        stored.difference_update([file for file in list(stored) if not Path(file).exists()])
    return {Path(file) for block in page.blocks.values() for file in getattr(block, "keep_in_cache", ())}


def _theme() -> gr.themes.Base:
    """Teal and slate, dark enough on white, and light enough on black, to be readable for everybody."""
    theme = gr.themes.Base(primary_hue="teal", neutral_hue="slate", radius_size="md", font=_FONT)
    return theme.set(
        color_accent="*primary_600",
        body_text_color_subdued="*neutral_500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
    )
