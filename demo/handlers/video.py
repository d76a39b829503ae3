"""The Video tab: a film in, the same film with landmarks out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from demo import html, models
from demo.files import new_folder, open_upload
from demo.handlers.images import sentence, shown, to_style
from fkp.errors import ModelError, VideoError
from fkp.runtime.drawing import Style, draw
from fkp.runtime.media import Frame, Limits, VideoReader, VideoWriter
from fkp.runtime.results import ResultWriter, Source
from fkp.runtime.tracking import Tracker

MAX_SECONDS = 60
MAX_FRAMES = 3600
MAX_PIXELS = 3840 * 2160
LARGEST_SIDE = 1280  # pixels, of the written film
_NEWS_EVERY = 0.4  # seconds
_FILM = "landmarks.mp4"


class View(NamedTuple):
    """What the tab shows: a message, and paths of the film and its numbers."""

    message: str
    film: str | None = None
    json: str | None = None
    csv: str | None = None


def annotate(film: Mapping[str, Any] | None, model: str | None, styles: Sequence[str]) -> Iterator[View]:
    """Draw the landmarks into every frame; yields the progress, then the result.

    Never raises for a bad film or model: the message says what is wrong. A generator that is closed
    on the way leaves nothing behind.
    """
    if film is None:
        yield View(html.note("Choose a video first."))
        return
    try:
        with open_upload(film) as upload:
            path = Path(upload.name)
    except OSError:
        yield View(html.problem("Your video is no longer here: upload it again."))
        return
    folder = new_folder()
    try:
        tracker = Tracker(models.get_landmarker(model or "", film=True))
        yield from _annotate(path, folder, tracker, model or "", to_style(styles))
    except (VideoError, ModelError) as error:
        text = str(error).replace(str(path), "your video").replace(str(folder / _FILM), "the result")
        yield View(html.problem(sentence(VideoError(text))))
    finally:
        if not (folder / _FILM).exists():  # an error, or cancelled
            shutil.rmtree(folder, ignore_errors=True)


def _annotate(path: Path, folder: Path, tracker: Tracker, model: str, style: Style) -> Iterator[View]:
    limits = Limits(MAX_SECONDS, MAX_FRAMES, MAX_PIXELS)
    start = told = time.monotonic()
    count, seen = 0, 0
    with (
        VideoReader(path, limits) as video,
        VideoWriter(folder / _FILM, video.rate, path) as out,
        ResultWriter(folder, model) as numbers,
    ):
        for frame in video:
            faces = tracker.step(frame.image, frame.time)
            numbers.add(Source("video", frame.image.shape[:2], count, frame.time), faces)
            out.write(Frame(draw(*shown(frame.image, faces, LARGEST_SIDE), style), frame.time))
            count, seen = count + 1, seen + bool(faces)
            if time.monotonic() - told > _NEWS_EVERY:
                told = time.monotonic()
                yield View(html.progress(count, video.frames, told - start))
    took = time.monotonic() - start
    found = f"a face was found in {seen} of them" if seen else "no face was found in any of them"
    text = f"{html.counted(count, 'frame')} in {took:.1f} s ({count / took:.0f} a second); {found}."
    for remark in video.remarks + out.remarks:
        text += f" The video {remark}."
    message = (html.done if seen else html.note)(text)
    yield View(message, *(str(folder / name) for name in (_FILM, "faces.json", "faces.csv")))
