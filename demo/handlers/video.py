"""The Video tab: a video in, the same video with landmarks out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from demo import html, models
from demo.files import open_upload
from demo.handlers.images import shown
from demo.handlers.requests import EXPECTED, sentence, to_name, to_style
from demo.storage import in_use, new_folder
from fkp.errors import RequestError, VideoError
from fkp.runtime.drawing import Style, draw
from fkp.runtime.media import Frame, Limits, VideoReader, VideoWriter
from fkp.runtime.results import ResultWriter, Source
from fkp.runtime.tracking import Tracker

MAX_SECONDS = 60
MAX_FRAMES = 3600
MAX_MINUTES = 5  # of work on one video: there is one place, and others wait for it
MAX_PIXELS = 3840 * 2160
LARGEST_SIDE = 1280  # pixels, of the written video
_NEWS_EVERY = 0.4  # seconds
_VIDEO = "landmarks.mp4"


class View(NamedTuple):
    """What the tab shows: a message, and paths of the video and its numbers."""

    message: str
    video: str | None = None
    json: str | None = None
    csv: str | None = None


def annotate(video: Mapping[str, Any] | None, model: str | None, styles: Sequence[str]) -> Iterator[View]:
    """Draw the landmarks into every frame; yields the progress, then the result.

    Never raises for a bad video or model: the message says what is wrong. A generator that is closed
    on the way leaves nothing behind.
    """
    if video is None:
        yield View(html.note("Choose a video first."))
        return
    path, folder, finished = Path(), None, False
    try:
        style, tracker = to_style(styles), Tracker(models.get_landmarker(to_name(model), video=True))
        path, folder = _find(video), new_folder()
        with in_use(path, folder):
            yield from _annotate(path, folder, tracker, to_name(model), style)
        finished = True
    except EXPECTED as error:
        if isinstance(error, VideoError):
            text = str(error).replace(str(path), "your video").replace(f"{folder}/{_VIDEO}", "the result")
            error = VideoError(text)
        yield View(html.problem(sentence(error)))
    finally:
        if folder and not finished:  # an error, or cancelled
            shutil.rmtree(folder, ignore_errors=True)


def _find(video: Mapping[str, Any]) -> Path:
    try:
        with open_upload(video) as upload:
            return Path(upload.name)
    except FileNotFoundError:
        raise RequestError("your video is no longer here: upload it again") from None


def _annotate(path: Path, folder: Path, tracker: Tracker, model: str, style: Style) -> Iterator[View]:
    limits = Limits(MAX_SECONDS, MAX_FRAMES, MAX_PIXELS)
    start = shown_at = time.monotonic()
    count, seen, cut = 0, 0, False
    with (
        VideoReader(path, limits) as video,
        VideoWriter(folder / _VIDEO, video.rate, path) as out,
        ResultWriter(folder, model) as numbers,
    ):
        for frame in video:
            if cut := count > 0 and time.monotonic() - start > MAX_MINUTES * 60:
                break
            faces = tracker.step(frame.image, frame.time)
            numbers.add(Source("video", frame.image.shape[:2], count, frame.time), faces)
            out.write(Frame(draw(*shown(frame.image, faces, LARGEST_SIDE), style), frame.time))
            count, seen = count + 1, seen + bool(faces)
            if time.monotonic() - shown_at > _NEWS_EVERY:
                shown_at = time.monotonic()
                yield View(html.progress(count, video.frames, shown_at - start))
    took = time.monotonic() - start
    found = f"a face was found in {seen} of them" if seen else "no face was found in any of them"
    text = f"{html.counted(count, 'frame')} in {took:.1f} s ({count / took:.0f} a second); {found}."
    for remark in video.remarks + out.remarks:
        text += f" The video {remark}."
    if cut:
        text += f" Processing took longer than {MAX_MINUTES} minutes: only its beginning was used."
    message = (html.done if seen else html.note)(text)
    yield View(message, *(str(folder / name) for name in (_VIDEO, "faces.json", "faces.csv")))
