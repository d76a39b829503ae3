"""The Compare tab: several models on one picture, how far they are apart, and their errors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from demo import html, models
from demo.differences import COLORS, draw_differences
from demo.files import open_upload, save_jpeg
from demo.handlers.images import read_picture, shown, zoom
from demo.handlers.requests import refusing, to_names, to_style
from demo.storage import new_folder
from fkp.datasets.pts import read_pts
from fkp.errors import DataError, RequestError
from fkp.geometry import box_diagonal, points_box
from fkp.metrics import inter_ocular, nme, point_distance
from fkp.runtime.drawing import draw
from fkp.runtime.face import Face
from fkp.schemes import SCHEMES, Scheme, get_scheme

MOST_MODELS = len(COLORS)
_MOST_FACES = 6
_LARGEST_PTS = 100_000  # bytes

Tiles = list[tuple[str, str]]


class View(NamedTuple):
    """What the tab shows: each model's picture, zoomed faces with the differences, and figures."""

    message: str
    overlays: Tiles
    differences: Tiles
    table: str


@dataclass(frozen=True, slots=True)
class _Result:
    model: str
    scheme: Scheme
    faces: list[Face]
    milliseconds: float


def _refuse(text: str) -> View:
    return View(html.problem(text), [], [], "")


@refusing(_refuse)
def compare(
    picture: Mapping[str, Any] | None,
    names: Sequence[str],
    truth_file: Mapping[str, Any] | None,
    styles: Sequence[str],
) -> View:
    """Run models on the same faces of a picture; the others are compared with the first one chosen.

    Never raises for bad input: the message says what is wrong.
    """
    names, style = to_names(names), to_style(styles)
    if picture is None or len(set(names)) < 2:
        return View(html.note("Choose a picture and at least two models."), [], [], "")
    if len(names) > MOST_MODELS:
        return View(html.note(f"Choose at most {MOST_MODELS} models."), [], [], "")
    truth = _read_truth(truth_file)
    image = read_picture(picture)
    results = _run(image, names)
    faces = results[0].faces
    if not faces:
        return View(html.faces_found(faces, image.shape[:2]), [], [], "")
    folder = new_folder()
    overlays, differences = [], []
    for number, result in enumerate(results):
        path = folder / f"model-{number}.jpg"
        drawn = (
            zoom(image, result.faces[0], style)
            if len(faces) == 1
            else draw(*shown(image, result.faces), style)
        )
        overlays.append((save_jpeg(drawn, path), result.model))
    for number in range(min(len(faces), _MOST_FACES)):
        drawn = draw_differences(image, [result.faces[number] for result in results])
        differences.append((save_jpeg(drawn, folder / f"difference-{number}.jpg"), f"Face {number + 1}"))
    rows = [_row(result, results[0], truth) for result in results]
    return View(html.faces_found(faces, image.shape[:2]), overlays, differences, html.comparison(rows))


def _run(image: NDArray[np.uint8], names: Sequence[str]) -> list[_Result]:
    """Every model's result for the same faces: those that the detector finds."""
    results: list[_Result] = []
    for name in names:
        boxes = [face.box for face in results[0].faces] if results else None
        landmarker = models.get_landmarker(name)
        analysis = landmarker.analyze(image, boxes)
        spent = analysis.timings["crop"] + analysis.timings["network"]
        results.append(_Result(name, landmarker.scheme, analysis.faces, spent))
    return results


def _row(result: _Result, first: _Result, truth: NDArray | None) -> tuple[str, str, str, str, str]:
    """Model, distance from the first model, error, points, milliseconds."""
    apart = "-"
    if result is not first:
        apart = f"{np.mean(_apart(result, first)):.2f} px"
        if result.scheme is not first.scheme:
            apart += " (nose tip)"
    points = str(result.scheme.num_points)
    return result.model, apart, _error(result, truth), points, f"{result.milliseconds:.1f}"


def _apart(result: _Result, first: _Result) -> NDArray:
    """Distances between two models' points, in pixels; of the nose tips where their schemes differ."""
    pairs = zip(result.faces, first.faces, strict=True)
    if result.scheme is first.scheme:
        return np.array([point_distance(a.points[None], b.points[None])[0].mean() for a, b in pairs])
    tips = [a.points[result.scheme.nose_tip] - b.points[first.scheme.nose_tip] for a, b in pairs]
    return np.linalg.norm(tips, axis=1)


def _error(result: _Result, truth: NDArray | None) -> str:
    """The error of the face that the true points belong to."""
    if truth is None:
        return "-"
    if len(truth) != result.scheme.num_points:
        return f"the file has {len(truth)} points"
    middle = truth.mean(axis=0)
    face = min(result.faces, key=lambda face: float(np.hypot(*(face.points.mean(axis=0) - middle))))
    corners = result.scheme.outer_eye_corners
    size = inter_ocular(truth[None], corners) if corners else box_diagonal(points_box(truth[None]))
    if not size[0] > 0:
        return "the file's points lie on one spot"
    distance = point_distance(face.points[None], truth[None])
    return f"NME {nme(distance, size)[0]:.2f} %, {distance.mean():.2f} px"


def _read_truth(file: Mapping[str, Any] | None) -> NDArray | None:
    if file is None:
        return None
    try:
        with open_upload(file) as upload:
            if os.fstat(upload.fileno()).st_size > _LARGEST_PTS:
                raise RequestError("your .pts file is too large to be one")
            truth = read_pts(Path(upload.name))
    except DataError as error:
        raise RequestError(f"your .pts file {error.problem}") from error
    except FileNotFoundError:
        raise RequestError("your .pts file is no longer here: upload it again") from None
    known = {get_scheme(name).num_points for name in SCHEMES}
    if len(truth) not in known or not np.isfinite(truth).all():
        raise RequestError(f"your .pts file has {len(truth)} points; the models find {sorted(known)}")
    return truth
