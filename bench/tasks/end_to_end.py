"""What a face detector's boxes do to the landmarks that are predicted in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, cache_key, cached
from bench.candidates import Candidate, predict_twice
from bench.detectors import DetectorCandidate
from bench.faces import MIN_IOU, TRUTH, TestSet
from bench.parallel import on_all_cores
from bench.rows import BoxesRow
from bench.scores import face_errors, summarize
from bench.tasks.detection import FoundFace
from fkp.images import load_image

PROTOCOL = 1  # increase when the figures of the same files change
_FIGURES = ("faces", "missed", "nme", "nme_median", "fr8", "auc8")


def measure(
    candidate: Candidate,
    detectors: Sequence[DetectorCandidate],
    found: Mapping[str, Sequence[FoundFace]],
    test_set: TestSet,
    cache: Cache,
) -> list[BoxesRow]:
    """Rows of a landmark model's errors for the true boxes and each detector's, in one pass and in two.

    Args:
        candidate: predicts the data set's scheme, and can predict in two passes.
        detectors: whose boxes to use.
        found: detector -> for every face of the set the best box, as `detection.measure` returns it.
        test_set: the faces.
        cache: rows of the same files are taken from there.
    """
    hashes = {TRUTH: "", **{detector.name: detector.sha256 for detector in detectors}}
    keys = {
        name: cache_key(
            "end to end", PROTOCOL, model=candidate.names, boxes=[name, sha256], dataset=test_set.identity
        )
        for name, sha256 in hashes.items()
    }

    def measure_fresh(names: list[str]) -> dict[str, list[BoxesRow]]:
        true = np.stack([face.box for face in test_set.faces])
        boxes = [true if name == TRUTH else _boxes(found[name]) for name in names]
        points = _predict(candidate, np.stack(boxes, axis=1), test_set)
        return {name: _rows(candidate, name, points[:, i], test_set) for i, name in enumerate(names)}

    values = cached(cache, keys, lambda rows: [BoxesRow(**row) for row in rows], measure_fresh)
    return [row for rows in values.values() for row in rows]


def _boxes(found: Sequence[FoundFace]) -> NDArray[np.float64]:
    """The boxes (N, 4) that are on their faces; NaN where a face is missed."""
    missed = [np.nan] * 4
    return np.array([face.box if face.iou >= MIN_IOU else missed for face in found], np.float64)


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


def _rows(candidate: Candidate, boxes: str, points: NDArray, test_set: TestSet) -> list[BoxesRow]:
    rows = []
    for passes in (1, 2):
        scheme = candidate.scheme.name
        figures = summarize(face_errors(points[:, passes - 1], scheme, test_set.faces, scheme))
        setting: dict[str, Any] = {"dataset": test_set.name, "boxes": boxes, "passes": passes}
        rows.append(BoxesRow(**candidate.names, **setting, **{name: figures[name] for name in _FIGURES}))
    return rows
