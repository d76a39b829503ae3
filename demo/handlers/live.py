"""The Webcam tab: faces followed from frame to frame, one session for each visitor."""

from __future__ import annotations

import base64
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from demo import html, models
from demo.files import encode_jpeg
from demo.handlers.images import read_picture, shown
from demo.handlers.requests import EXPECTED, sentence, to_name, to_style
from fkp.runtime.drawing import draw
from fkp.runtime.face import Face
from fkp.runtime.tracking import Tracker

_WINDOW = 2.0  # seconds over which frames are counted
_NEWS_EVERY = 0.5  # seconds: figures that change with every frame cannot be read, and cost the page its time
_QUALITY = 80  # of the JPEG that is sent back: a third fewer bytes than `save_jpeg`, for a moment's picture
_LARGEST = 960  # pixels on the longer side of what is sent back


class Session:
    """What is remembered of one visitor's camera between two frames."""

    def __init__(self, model: str) -> None:
        """Start following faces.

        Raises:
            ModelError: the model cannot be used.
        """
        self.model = model
        self.tracker = Tracker(models.get_landmarker(model, video=True))
        self._ends: deque[float] = deque()
        self._told = 0.0
        self._figures = ""

    def figures(self, start: float, now: float, faces: Sequence[Face], size: tuple[int, int]) -> str:
        """Count a frame of size (H, W) that took from `start` to `now`; figures, renewed now and then."""
        self._ends.append(now)
        while self._ends[0] < now - _WINDOW:
            self._ends.popleft()
        if now - self._told > _NEWS_EVERY:
            span = now - self._ends[0]
            rate = (len(self._ends) - 1) / span if span else 0.0
            self._told, self._figures = now, html.live(rate, (now - start) * 1000, faces, size)
        return self._figures


def step(
    frame: Mapping[str, Any] | None, model: str | None, styles: Sequence[str], session: Session | None
) -> tuple[Any, str, Session | None]:
    """Follow the faces into the next frame.

    Returns:
        the drawn frame as Gradio's file data with a data URL, so that nothing is written to disk;
        figures as HTML; the session to hand in with the next frame.
    """
    if frame is None:
        return gr.skip(), html.note("The camera is off."), None
    start = time.monotonic()
    try:
        image, name, style = read_picture(frame), to_name(model), to_style(styles)
        if session is None or session.model != name:
            session = Session(name)
        faces = session.tracker.step(image, start)
    except EXPECTED as error:
        return gr.skip(), html.problem(sentence(error)), session
    drawn = draw(*shown(image, faces, _LARGEST), style)
    url = "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(drawn, _QUALITY)).decode()
    return {"url": url}, session.figures(start, time.monotonic(), faces, image.shape[:2]), session
