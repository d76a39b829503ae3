"""The Image tab: one picture, all its faces, and files to download."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demo import html, models
from demo.files import save_jpeg, save_png
from demo.handlers.images import read_picture, shown, zoom
from demo.handlers.requests import EXPECTED, refusing, to_name, to_style
from demo.storage import new_folder
from fkp.errors import RequestError
from fkp.runtime.drawing import Style, draw
from fkp.runtime.face import Face
from fkp.runtime.results import Source, record, to_csv, to_pts

_MOST_ZOOMED = 40
_NAME = "picture"  # what the files call it: a visitor's own file name stays out of them


@dataclass(frozen=True, slots=True)
class Found:
    """The faces on one visitor's picture, kept so that drawing them anew needs no second search."""

    picture: Mapping[str, Any]
    size: tuple[int, int]
    model: str
    faces: list[Face]


class View(NamedTuple):
    """What the tab shows; None leaves an element empty."""

    found: Found | None
    message: str
    overlay: str | None
    zooms: list[tuple[str, str]]
    table: str
    timings: str


class Downloads(NamedTuple):
    """Paths of the files to download; `pts` holds one file, or a zip of one for each face."""

    json: str | None = None
    csv: str | None = None
    pts: str | None = None
    png: str | None = None


def _refuse(text: str) -> View:
    return _empty(html.problem(text))


@refusing(_refuse)
def analyze(picture: Mapping[str, Any] | None, model: str | None, styles: Sequence[str]) -> View:
    """Find the landmarks on a picture and draw them.

    Never raises for a bad picture or model: the view's message says what is wrong.
    """
    if picture is None:
        return _empty(html.note("Choose a picture: upload it, paste it, take it, or start with the example."))
    name, style = to_name(model), to_style(styles)
    start = time.perf_counter()
    image = read_picture(picture)
    read = (time.perf_counter() - start) * 1000
    analysis = models.get_landmarker(name).analyze(image)
    found = Found(picture, image.shape[:2], name, analysis.faces)
    start = time.perf_counter()
    overlay, zooms = _pictures(image, analysis.faces, style)
    timings = {"read": read, **analysis.timings, "draw": (time.perf_counter() - start) * 1000}
    message = html.faces_found(analysis.faces, image.shape[:2])
    return View(found, message, overlay, zooms, html.face_table(analysis.faces), html.timings(timings))


@refusing(lambda text: (html.problem(text), gr.skip(), gr.skip()))
def redraw(found: Found | None, styles: Sequence[str]) -> tuple[Any, Any, Any]:
    """Message, overlay and zoomed faces in another style; the message stays where nothing is wrong."""
    style = to_style(styles)
    if found is None:
        return gr.skip(), None, []
    return gr.skip(), *_pictures(read_picture(found.picture), found.faces, style)


def download_buttons(found: Found | None, styles: Sequence[str]) -> list[Any]:
    """The download buttons, which work where there is a file, and a table of all points."""
    try:
        files = downloads(found, styles)
    except EXPECTED:  # no place for them; the message above says what is wrong
        files = Downloads()
    buttons = [gr.DownloadButton(value=path, interactive=path is not None) for path in files]
    return [*buttons, html.point_table(found.faces if found else [])]


def downloads(found: Found | None, styles: Sequence[str]) -> Downloads:
    """The results as files; none where there is no face."""
    if found is None or not found.faces:
        return Downloads()
    folder = new_folder()
    numbers, table = folder / "landmarks.json", folder / "landmarks.csv"
    source = Source(_NAME, found.size)
    numbers.write_text(json.dumps(record(source, found.model, found.faces), indent=1), encoding="utf-8")
    table.write_text(to_csv(source, found.faces), encoding="utf-8")
    files = Downloads(str(numbers), str(table), _save_pts(found.faces, folder))
    try:
        overlay = draw(read_picture(found.picture), found.faces, to_style(styles))
    except RequestError:  # its file has been cleaned away
        return files
    return files._replace(png=save_png(overlay, folder / "landmarks.png"))


def _save_pts(faces: Sequence[Face], folder: Path) -> str:
    if len(faces) == 1:
        path = folder / "landmarks.pts"
        path.write_text(to_pts(faces[0]), encoding="utf-8")
        return str(path)
    path = folder / "landmarks-pts.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, face in enumerate(faces, start=1):
            archive.writestr(f"face-{number}.pts", to_pts(face))
    return str(path)


def _pictures(
    image: NDArray[np.uint8], faces: Sequence[Face], style: Style
) -> tuple[str, list[tuple[str, str]]]:
    folder = new_folder()
    overlay = save_jpeg(draw(*shown(image, faces), style), folder / "overlay.jpg")
    zooms = [
        (save_jpeg(zoom(image, face, style), folder / f"face-{number}.jpg"), f"Face {number}")
        for number, face in enumerate(faces[:_MOST_ZOOMED], start=1)
    ]
    return overlay, zooms


def _empty(message: str) -> View:
    return View(None, message, None, [], "", "")
