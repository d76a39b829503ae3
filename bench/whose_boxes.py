"""What a face detector's boxes do to the landmarks that are predicted in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, code_hash
from bench.contenders import Contender, predict_twice
from bench.faces import MIN_IOU, TestSet
from bench.finders import Finder
from bench.parallel import on_all_cores
from bench.scores import face_errors, summarise
from fkp.images import load_image

TRUTH = "truth"
_FIGURES = ("faces", "missed", "nme", "nme_median", "fr8", "auc8")


def measure(
    contender: Contender,
    finders: Sequence[Finder],
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    test_set: TestSet,
    cache: Cache,
) -> list[dict[str, Any]]:
    """Rows of a landmark model's errors for the true boxes and each finder's, in one pass and in two.

    Args:
        contender: predicts the data set's scheme, and can predict in two passes.
        finders: whose boxes to use.
        found: finder -> for every face of the set the best box and its IoU, as `detect.measure` says.
        test_set: the faces.
        cache: rows of the same files are taken from there.
    """
    names = [TRUTH, *(finder.name for finder in finders)]
    hashes = {TRUTH: "", **{finder.name: finder.sha256 for finder in finders}}
    keys = {name: _key(contender, name, hashes[name], test_set) for name in names}
    known = {name: rows for name, key in keys.items() if (rows := cache.load(key)) is not None}
    fresh = [name for name in names if name not in known]
    if fresh:
        true = np.stack([face.box for face in test_set.faces])
        boxes = {name: true if name == TRUTH else _boxes(found[name]) for name in fresh}
        points = _predict(contender, np.stack([boxes[name] for name in fresh], axis=1), test_set)
        for i, name in enumerate(fresh):
            known[name] = _rows(contender, name, points[:, i], test_set)
            cache.store(keys[name], known[name])
    return [row for name in names for row in known[name]]


def _key(contender: Contender, name: str, sha256: str, test_set: TestSet) -> dict[str, Any]:
    return {
        "part": "whose boxes",
        "model": contender.identity,
        "boxes": [name, sha256],
        "dataset": [test_set.name, test_set.fingerprint, test_set.limit],
        "code": code_hash(__file__),
    }


def _boxes(found: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """The boxes (N, 4) that are on their faces; NaN where a face is missed."""
    missed = [np.nan] * 4
    return np.array([face["box"] if face["iou"] >= MIN_IOU else missed for face in found], np.float64)


def _predict(contender: Contender, boxes: NDArray, test_set: TestSet) -> NDArray[np.float64]:
    """Points (N, S, 2, K, 2) in boxes (N, S, 4), in one pass and in two; NaN where there is no box."""
    predictor = contender.open()

    def predict(index: int) -> NDArray[np.float64]:
        image = load_image(test_set.faces[index].image)
        points = np.full((boxes.shape[1], 2, contender.scheme.num_points, 2), np.nan)
        usable = np.isfinite(boxes[index]).all(axis=1)
        points[usable, 0] = first = predictor.predict(image, boxes[index, usable])
        points[usable, 1] = predict_twice(predictor, image, boxes[index, usable], first)
        return points

    title = f"{contender.name} in the boxes found"
    return np.stack(on_all_cores(predict, range(len(boxes)), title, "face"))


def _rows(contender: Contender, boxes: str, points: NDArray, test_set: TestSet) -> list[dict[str, Any]]:
    rows = []
    for passes in (1, 2):
        scheme = contender.scheme.name
        errors = face_errors(points[:, passes - 1], scheme, test_set.faces, scheme)
        figures = summarise(errors)
        row = contender.names | {"dataset": test_set.name, "boxes": boxes, "passes": passes}
        rows.append(row | {name: figures[name] for name in _FIGURES})
    return rows
