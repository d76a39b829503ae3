"""What a face detector's boxes do to the landmarks that are predicted in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, code_hash
from bench.candidates import Candidate, predict_twice
from bench.detectors import DetectorCandidate
from bench.faces import MIN_IOU, TestSet
from bench.parallel import on_all_cores
from bench.scores import face_errors, summarize
from fkp.images import load_image

TRUTH = "truth"
_FIGURES = ("faces", "missed", "nme", "nme_median", "fr8", "auc8")


def measure(
    candidate: Candidate,
    candidates: Sequence[DetectorCandidate],
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    test_set: TestSet,
    cache: Cache,
) -> list[dict[str, Any]]:
    """Rows of a landmark model's errors for the true boxes and each candidate's, in one pass and in two.

    Args:
        candidate: predicts the data set's scheme, and can predict in two passes.
        candidates: whose boxes to use.
        found: candidate -> for every face of the set the best box and its IoU, as `detect.measure` says.
        test_set: the faces.
        cache: rows of the same files are taken from there.
    """
    names = [TRUTH, *(candidate.name for candidate in candidates)]
    hashes = {TRUTH: "", **{candidate.name: candidate.sha256 for candidate in candidates}}
    keys = {name: _key(candidate, name, hashes[name], test_set) for name in names}
    known = {name: rows for name, key in keys.items() if (rows := cache.load(key)) is not None}
    fresh = [name for name in names if name not in known]
    if fresh:
        true = np.stack([face.box for face in test_set.faces])
        boxes = {name: true if name == TRUTH else _boxes(found[name]) for name in fresh}
        points = _predict(candidate, np.stack([boxes[name] for name in fresh], axis=1), test_set)
        for i, name in enumerate(fresh):
            known[name] = _rows(candidate, name, points[:, i], test_set)
            cache.store(keys[name], known[name])
    return [row for name in names for row in known[name]]


def _key(candidate: Candidate, name: str, sha256: str, test_set: TestSet) -> dict[str, Any]:
    return {
        "part": "whose boxes",
        "model": candidate.identity,
        "boxes": [name, sha256],
        "dataset": [test_set.name, test_set.fingerprint, test_set.limit],
        "code": code_hash(__file__),
    }


def _boxes(found: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """The boxes (N, 4) that are on their faces; NaN where a face is missed."""
    missed = [np.nan] * 4
    return np.array([face["box"] if face["iou"] >= MIN_IOU else missed for face in found], np.float64)


def _predict(candidate: Candidate, boxes: NDArray, test_set: TestSet) -> NDArray[np.float64]:
    """Points (N, S, 2, K, 2) in boxes (N, S, 4), in one pass and in two; NaN where there is no box."""
    predictor = candidate.open()

    def predict(index: int) -> NDArray[np.float64]:
        image = load_image(test_set.faces[index].image)
        points = np.full((boxes.shape[1], 2, candidate.scheme.num_points, 2), np.nan)
        usable = np.isfinite(boxes[index]).all(axis=1)
        points[usable, 0] = first = predictor.predict(image, boxes[index, usable])
        points[usable, 1] = predict_twice(predictor, image, boxes[index, usable], first)
        return points

    title = f"{candidate.name} in the boxes found"
    return np.stack(on_all_cores(predict, range(len(boxes)), title, "face"))


def _rows(candidate: Candidate, boxes: str, points: NDArray, test_set: TestSet) -> list[dict[str, Any]]:
    rows = []
    for passes in (1, 2):
        scheme = candidate.scheme.name
        errors = face_errors(points[:, passes - 1], scheme, test_set.faces, scheme)
        figures = summarize(errors)
        row = candidate.names | {"dataset": test_set.name, "boxes": boxes, "passes": passes}
        rows.append(row | {name: figures[name] for name in _FIGURES})
    return rows
