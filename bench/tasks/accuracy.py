"""Accuracy of every candidate on one data set, for every source of face boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, Key, cache_key, cached
from bench.candidates import Candidate, predict_twice
from bench.detectors import RUNTIME_DETECTOR, detector_hash, own_detector
from bench.faces import DETECTOR, OWN, SOURCES, BoxSource, TestSet, best_match, face_boxes
from bench.parallel import PerThread, on_all_cores
from bench.protocol import is_reduced
from bench.results import to_csv
from bench.rows import AccuracyRow, CedRow
from bench.scores import ced_shares, common_schemes, face_errors, summarize
from fkp.atomic import write_text
from fkp.datasets import Sample
from fkp.geometry import points_box
from fkp.images import load_image

PROTOCOL = 1  # increase when the figures of the same files change

_FIRST = [i for i, s in enumerate(SOURCES) if s.passes == 1 and BoxSource(s.kind, 2) in SOURCES]
_SECOND = [SOURCES.index(BoxSource(SOURCES[i].kind, 2)) for i in _FIRST]
_DIRECT = [i for i, s in enumerate(SOURCES) if s.passes == 1 and s.kind != OWN]


@dataclass(frozen=True, slots=True)
class SingleFace:
    """One face's errors in one source of boxes: NME in percent, MAE in pixels."""

    id: str
    boxes: str
    passes: int
    nme: float
    mae: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One candidate on one data set.

    Attributes:
        rows: figures per part of the data set, scheme and source of boxes.
        ced: the CED curves, as `rows`.
        faces: the errors of every face, in the fullest scheme that both sides have.
    """

    rows: list[AccuracyRow]
    ced: list[CedRow]
    faces: list[SingleFace]


def measure(candidates: Sequence[Candidate], test_set: TestSet, cache: Cache) -> dict[str, Measured]:
    """The candidates' figures on one data set, by name; from the cache where they are known.

    Nothing where no face of the data set has points. The pictures are decoded and searched once for all
    candidates that are measured anew.
    """
    by_name = {candidate.name: candidate for candidate in candidates}

    def measure_fresh(names: list[str]) -> dict[str, Measured]:
        fresh = [by_name[name] for name in names]
        if not test_set.faces:
            return {}
        points, boxes = _predict(fresh, test_set)
        return {c.name: _figures(c, test_set, points[c.name], boxes) for c in fresh}

    return cached(cache, {c.name: _key(c, test_set) for c in candidates}, _decode, measure_fresh)


def _key(candidate: Candidate, test_set: TestSet) -> Key:
    data, detector = test_set.identity, detector_hash()
    return cache_key("accuracy", PROTOCOL, model=candidate.names, dataset=data, detector=detector)


def _decode(value: Mapping[str, Any]) -> Measured:
    return Measured(
        [AccuracyRow(**row) for row in value["rows"]],
        [CedRow(**row) for row in value["ced"]],
        [SingleFace(**face) for face in value["faces"]],
    )


def _predict(candidates: Sequence[Candidate], test_set: TestSet) -> tuple[dict[str, NDArray], NDArray]:
    """Points (N, S, K, 2) by candidate and boxes (N, S, 4) of N faces from S sources; NaN: not found."""
    detectors = PerThread(own_detector(RUNTIME_DETECTOR).open)
    predictors = {c.name: c.open() for c in candidates}

    def predict(face: Sample) -> tuple[NDArray, list[NDArray]]:
        image = load_image(face.image)
        boxes = np.full((len(SOURCES), 4), np.nan)
        boxes[_DIRECT] = face_boxes(face, image, detectors.value)
        usable = np.isfinite(boxes).all(axis=1)
        boxes[_SECOND] = boxes[_FIRST]
        again = np.isfinite(boxes[_SECOND]).all(axis=1)
        predictions = []
        for candidate in candidates:
            predictor = predictors[candidate.name]
            points = np.full((len(SOURCES), candidate.scheme.num_points, 2), np.nan)
            points[usable] = predictor.predict(image, boxes[usable])
            if _refines(candidate) and again.any():
                first, second = np.array(_FIRST)[again], np.array(_SECOND)[again]
                points[second] = predict_twice(predictor, image, boxes[first], points[first])
            if candidate.find is not None:
                found = candidate.find(image)
                if (best := best_match(face, points_box(found))) is not None:
                    points[-1] = found[best]
            predictions.append(points)
        return boxes, predictions

    faces = on_all_cores(predict, test_set.faces, f"accuracy on {test_set.name}", "face")
    points = zip(*(predictions for _, predictions in faces), strict=True)
    by_name = {c.name: np.stack(own) for c, own in zip(candidates, points, strict=True)}
    return by_name, np.stack([boxes for boxes, _ in faces])


def _figures(candidate: Candidate, test_set: TestSet, points: NDArray, boxes: NDArray) -> Measured:
    measured = Measured([], [], [])
    schemes = common_schemes(candidate.scheme.name, test_set.scheme)
    for part, members in test_set.parts():
        for scheme in schemes:
            for s, source, chosen in _measurable(candidate, members, boxes):
                faces = [test_set.faces[i] for i in chosen]
                errors = face_errors(points[chosen, s], candidate.scheme.name, faces, scheme)
                setting = {"dataset": part, "scheme": scheme, "boxes": source.kind, "passes": source.passes}
                if source.kind == DETECTOR:
                    setting["detector"] = detector_hash()
                names = candidate.names | setting
                measured.rows.append(AccuracyRow(**names, **summarize(errors)))
                measured.ced.append(CedRow(**names, shares=ced_shares(errors.nme)))
                if part == test_set.name and scheme == schemes[0]:
                    figures = zip(faces, errors.nme, errors.absolute.mean(axis=1), strict=True)
                    measured.faces.extend(
                        SingleFace(face.id, source.kind, source.passes, float(nme), float(mae))
                        for face, nme, mae in figures
                    )
    return measured


def _measurable(
    candidate: Candidate, members: NDArray, boxes: NDArray
) -> Iterator[tuple[int, BoxSource, NDArray]]:
    """The sources of boxes that a candidate is measured with, and which faces count.

    A detector has an entry for every face, found or not; the other sources only for those that have a box.
    """
    for s, source in enumerate(SOURCES):
        able = candidate.find is not None if source.kind == OWN else source.passes == 1 or _refines(candidate)
        found = np.isfinite(boxes[members, s]).all(axis=1)
        chosen = members if source.kind in (DETECTOR, OWN) else members[found]
        if able and len(chosen):
            yield s, source, chosen


def _refines(candidate: Candidate) -> bool:
    return candidate.refines and not is_reduced(candidate)


def write_faces(folder: Path, dataset: str, measured: Mapping[str, Measured]) -> None:
    """Write a CSV of single faces per candidate: `DATASET_MODEL.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in measured.items():
        write_text(folder / f"{dataset}_{name}.csv", to_csv(value.faces))
