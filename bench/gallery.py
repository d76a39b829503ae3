"""A candidate's best, median and worst faces of a data set, which are shown only to users with the data."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.candidates import Candidate, Predictor
from bench.faces import TRUTH, TestSet
from bench.scores import common_schemes
from bench.tasks.accuracy import Measured
from fkp.datasets import Sample, as_scheme
from fkp.geometry import crop_transform, transform_points, warp
from fkp.images import load_image

_SIDE = 240  # pixels of one face
_MARGIN = 1.5
_COLUMNS = 6
_TRUTH, _PREDICTION, _TEXT = (60, 220, 90), (255, 90, 60), (255, 255, 255)


def save_gallery(candidate: Candidate, test_set: TestSet, measured: Measured, folder: Path) -> Path | None:
    """Draw the sheet: three rows of faces, truth in green, prediction in red; true boxes.

    It shows other people's faces, so it belongs in a folder that is not published. A sheet of the
    same model file that is there already is left alone, and None returned.
    """
    path = folder / f"{test_set.name}_{candidate.name}_{candidate.sha256[:8]}.jpg"
    if path.exists():
        return None
    ranked = sorted((face for face in measured.faces if face.boxes == TRUTH), key=lambda face: face.nme)
    if not ranked:
        return None
    faces = {face.id: face for face in test_set.faces}
    predictor = candidate.open()
    count = min(_COLUMNS, len(ranked))
    middle = (len(ranked) - count) // 2
    strips = []
    for title, rows in (
        ("best", ranked[:count]),
        ("median", ranked[middle : middle + count]),
        ("worst", ranked[-count:]),
    ):
        tiles = [
            _tile(candidate, predictor, faces[row.id], f"{title} {row.nme:.2f} %", test_set.scheme)
            for row in rows
        ]
        strips.append(np.concatenate(tiles, axis=1))
    folder.mkdir(parents=True, exist_ok=True)
    sheet = cv2.cvtColor(np.concatenate(strips), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return path


def _tile(
    candidate: Candidate, predictor: Predictor, face: Sample, text: str, scheme: str
) -> NDArray[np.uint8]:
    image = load_image(face.image)
    points = predictor.predict(image, face.box[None])[0]
    common = common_schemes(candidate.scheme.name, scheme)[0]
    truth = np.asarray(as_scheme(face, common).points)
    if candidate.scheme.name != common:
        points = points[[candidate.scheme.nose_tip]]
    matrix = crop_transform(face.box, (_SIDE, _SIDE), _MARGIN)
    tile = warp(image, matrix, (_SIDE, _SIDE))
    for layer, color in ((truth, _TRUTH), (points, _PREDICTION)):
        moved = transform_points(matrix, layer)
        for x, y in moved[np.isfinite(moved).all(axis=1)]:
            cv2.circle(tile, (round(x * 16), round(y * 16)), 28, color, -1, cv2.LINE_AA, 4)
    cv2.putText(tile, text, (6, _SIDE - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _TEXT, 1, cv2.LINE_AA)
    return tile
