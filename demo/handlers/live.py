"""The Webcam tab: faces followed from frame to frame, one session for each visitor."""

from __future__ import annotations

import base64
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from demo import models, words
from demo.files import encode_jpeg
from demo.handlers.pictures import read_picture, sentence, shown, to_style
from fkp.images import ImageError
from fkp.runtime.drawing import draw
from fkp.runtime.sessions import ModelError
from fkp.runtime.tracking import Tracker

_WINDOW = 2.0  # seconds over which frames are counted
_LARGEST = 960  # pixels on the longer side of what is sent back


class Session:
    """What is remembered of one visitor's camera between two frames."""

    def __init__(self, model: str) -> None:
        """Start following faces.

        Raises:
            ModelError: the model cannot be used.
        """
        self.model = model
        self.tracker = Tracker(models.get_landmarker(model, refine=False))
        self._ends: deque[float] = deque()

    def frames_per_second(self, now: float) -> float:
        """Count a frame that was finished `now`; the rate over the last seconds."""
        self._ends.append(now)
        while self._ends[0] < now - _WINDOW:
            self._ends.popleft()
        span = now - self._ends[0]
        return (len(self._ends) - 1) / span if span else 0.0


def step(
    frame: Mapping[str, Any] | None, model: str | None, styles: Sequence[str], session: Session | None
) -> tuple[Any, str, Session | None]:
    """Follow the faces into the next frame.

    Returns:
        the drawn frame as Gradio's file data with a data URL, so that nothing is written to disk;
        figures as HTML; the session to hand in with the next frame.
    """
    if frame is None:
        return gr.skip(), words.note("The camera is off."), None
    start = time.monotonic()
    try:
        image = read_picture(frame)
        if session is None or session.model != model:
            session = Session(model or "")
        faces = session.tracker.step(image, start)
    except (ImageError, ModelError) as error:
        return gr.skip(), words.problem(sentence(error)), session
    drawn = draw(*shown(image, faces, _LARGEST), to_style(styles))
    url = "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(drawn)).decode()
    end = time.monotonic()
    figures = words.live(session.frames_per_second(end), (end - start) * 1000, faces, image.shape[:2])
    return {"url": url}, figures, session
