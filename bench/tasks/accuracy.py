"""Accuracy of every candidate on every data set, for every source of face boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, code_hash
from bench.candidates import Candidate, predict_twice
from bench.detectors import detector_hash, own_detector
from bench.faces import BOX_SOURCES, TestSet, best_match, face_boxes
from bench.parallel import PerThread, on_all_cores
from bench.protocol import is_brief
from bench.results import to_csv
from bench.scores import ced_row, common_schemes, face_errors, summarize
from fkp.datasets import Sample
from fkp.geometry import points_box
from fkp.images import load_image

DETECTOR = "fkp"
# The boxes that nobody knows exactly, in two passes: the second looks around the first one's points.
_REFINED = ("dataset", "detector")
# "own": the face detector that a baseline brings along.
_SOURCES = (*BOX_SOURCES, *(f"{source} x2" for source in _REFINED), "own")


@dataclass(frozen=True, slots=True)
class Measured:
    """One candidate on one data set, as plain JSON values.

    Attributes:
        rows: figures per part of the data set, scheme and source of boxes.
        ced: the CED curves, as `rows`.
        images: id, boxes, nme, mae of every face, in the fullest scheme that both sides have.
    """

    rows: list[dict[str, Any]]
    ced: list[dict[str, Any]]
    images: list[dict[str, Any]]


def measure(candidates: Sequence[Candidate], test_set: TestSet, cache: Cache) -> dict[str, Measured]:
    """The candidates' figures on one data set, by name; from the cache where they are known. None where no
    face of it has points.

    The pictures are decoded and searched once for all candidates that are measured anew.
    """
    keys = {c.name: _key(c, test_set) for c in candidates}
    known = {name: value for name, key in keys.items() if (value := cache.load(key)) is not None}
    fresh = [c for c in candidates if c.name not in known]
    if fresh and not test_set.faces:
        return {}
    if fresh:
        points, boxes = _predict(fresh, test_set)
        for candidate in fresh:
            measured = _figures(candidate, test_set, points[candidate.name], boxes)
            known[candidate.name] = measured
            cache.store(keys[candidate.name], measured)
    return {c.name: Measured(**known[c.name]) for c in candidates}


def _key(candidate: Candidate, test_set: TestSet) -> dict[str, Any]:
    return {
        "part": "accuracy",
        "model": candidate.identity,
        "dataset": [test_set.name, test_set.fingerprint, test_set.limit],
        "detector": own_detector(DETECTOR).sha256,
        "code": code_hash(__file__),
    }


def _predict(candidates: Sequence[Candidate], test_set: TestSet) -> tuple[dict[str, NDArray], NDArray]:
    """Points (N, S, K, 2) by candidate and boxes (N, S, 4) of N faces from S sources; NaN: not found."""
    detectors = PerThread(own_detector(DETECTOR).open)
    predictors = {c.name: c.open() for c in candidates}
    once = [_SOURCES.index(source) for source in _REFINED]
    twice = [_SOURCES.index(f"{source} x2") for source in _REFINED]

    def predict(face: Sample) -> tuple[NDArray, list[NDArray]]:
        image = load_image(face.image)
        boxes = np.full((len(_SOURCES), 4), np.nan)
        boxes[: len(BOX_SOURCES)] = face_boxes(face, image, detectors.value)
        usable = np.isfinite(boxes).all(axis=1)
        boxes[twice] = boxes[once]
        again = np.isfinite(boxes[twice]).all(axis=1)
        answers = []
        for candidate in candidates:
            predictor = predictors[candidate.name]
            points = np.full((len(_SOURCES), candidate.scheme.num_points, 2), np.nan)
            points[usable] = predictor.predict(image, boxes[usable])
            if _refines(candidate) and again.any():
                first, second = np.array(once)[again], np.array(twice)[again]
                points[second] = predict_twice(predictor, image, boxes[first], points[first])
            if candidate.find is not None:
                found = candidate.find(image)
                if (best := best_match(face, points_box(found))) is not None:
                    points[-1] = found[best]
            answers.append(points)
        return boxes, answers

    faces = on_all_cores(predict, test_set.faces, f"accuracy on {test_set.name}", "face")
    points = zip(*(answers for _, answers in faces), strict=True)
    by_name = {c.name: np.stack(answers) for c, answers in zip(candidates, points, strict=True)}
    return by_name, np.stack([boxes for boxes, _ in faces])


def _figures(candidate: Candidate, test_set: TestSet, points: NDArray, boxes: NDArray) -> dict[str, Any]:
    rows, ced, images = [], [], []
    schemes = common_schemes(candidate.scheme.name, test_set.scheme)
    for part, members in test_set.parts():
        for scheme in schemes:
            for s, source in enumerate(_SOURCES):
                if not _applies(candidate, source):
                    continue
                chosen = _measurable(members, boxes[:, s], source)
                if not len(chosen):
                    continue
                faces = [test_set.faces[i] for i in chosen]
                errors = face_errors(points[chosen, s], candidate.scheme.name, faces, scheme)
                names = candidate.names | {"dataset": part, "scheme": scheme, "boxes": source}
                names["detector"] = detector_hash() if source.startswith("detector") else ""
                rows.append(names | summarize(errors))
                ced.append(names | ced_row(errors.nme))
                if part == test_set.name and scheme == schemes[0]:
                    figures = zip(faces, errors.nme, errors.absolute.mean(axis=1), strict=True)
                    images += [
                        {"id": face.id, "boxes": source, "nme": float(nme), "mae": float(mae)}
                        for face, nme, mae in figures
                    ]
    return {"rows": rows, "ced": ced, "images": images}


def _applies(candidate: Candidate, source: str) -> bool:
    if source == "own":
        return candidate.find is not None
    return source in BOX_SOURCES or _refines(candidate)


def _refines(candidate: Candidate) -> bool:
    return candidate.refines and not is_brief(candidate)


def _measurable(members: NDArray, boxes: NDArray, source: str) -> NDArray:
    """The faces that a source of boxes is answerable for: a detector for all of them, found or not."""
    found = np.isfinite(boxes[members]).all(axis=1)
    return members if source in ("detector", "detector x2", "own") else members[found]


def write_images(folder: Path, dataset: str, measured: Mapping[str, Measured]) -> None:
    """Write a CSV of single faces per candidate: `DATASET_MODEL.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in measured.items():
        (folder / f"{dataset}_{name}.csv").write_text(to_csv(value.images), encoding="utf-8")
