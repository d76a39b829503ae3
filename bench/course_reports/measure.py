"""Figures that the leaderboard has no column for: by head turn, shrinking, squared errors, variance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench.cache import Cache, cache_key, cached
from bench.candidates import Candidate
from bench.course_reports.rows import (
    CollapseRow,
    HeadTurnRow,
    ShrinkingRow,
    SideRow,
    SquaredRow,
    VarianceRow,
    ViewRow,
)
from bench.detectors import RUNTIME_DETECTOR
from bench.faces import DETECTOR, FAR_TURN, HALF_TURN, TRUTH, TestSet, best_match, head_turns
from bench.scores import common_schemes, face_errors
from fkp.datasets import Sample, as_scheme, load
from fkp.datasets.unit_shapes import unit_points, unit_shapes
from fkp.geometry import points_box
from fkp.images import load_image
from fkp.runtime.detectors import get_detector
from fkp.shapes import ShapeModel

PROTOCOL = 1  # increase when the predictions of the same files change
MOST_COMPONENTS = 40
# How crops are varied for `variance`, standard deviations: degrees, and shares of the box's side.
TURN, SHIFT = 12.0, 0.08
SIDES = ("far left", "half left", "ahead", "half right", "far right")

# IMM's views, left and right as in the picture.
VIEWS: Mapping[str, str] = {
    "1": "neutral", "2": "smiling", "3": "turned left", "4": "turned right", "5": "side light",
    "6": "grimace",
}  # fmt: skip


class Predictions:
    """Predictions of models for the faces of data sets, in the faces' true boxes; kept in the cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def __call__(self, candidates: Sequence[Candidate], test_set: TestSet) -> dict[str, NDArray]:
        """Points (N, K, 2) of each candidate, image frame."""
        by_name = {c.name: c for c in candidates}
        data = test_set.identity
        keys = {c.name: cache_key("experiments", PROTOCOL, model=c.names, dataset=data) for c in candidates}

        def measure_fresh(names: list[str]) -> dict[str, list[Any]]:
            faces = test_set.faces
            points = predict([by_name[name] for name in names], faces, [face.box for face in faces])
            return {name: points[name].round(3).tolist() for name in names}

        return {n: np.array(p) for n, p in cached(self._cache, keys, list, measure_fresh).items()}


def predict(
    candidates: Sequence[Candidate], faces: Sequence[Sample], boxes: Sequence[NDArray]
) -> dict[str, NDArray]:
    """Points (N, K, 2) of each candidate, image frame, in the given boxes."""
    models = {candidate.name: candidate.open() for candidate in candidates}
    points: dict[str, list[NDArray]] = {name: [] for name in models}
    for face, box in zip(tqdm(faces, "experiments", unit="face", leave=False), boxes, strict=True):
        image = load_image(face.image)
        for name, model in models.items():
            points[name].append(model.predict(image, box[None])[0])
    return {name: np.stack(rows) for name, rows in points.items()}


def side(degrees: float) -> str:
    """The one of `SIDES` for a head turn in degrees, positive to the right of the picture."""
    return SIDES[int(np.searchsorted((-FAR_TURN, -HALF_TURN, HALF_TURN, FAR_TURN), degrees))]


def sides(faces: Mapping[str, Sequence[Sample]]) -> list[SideRow]:
    """How many faces of each data set are turned to each side."""
    rows = []
    for dataset, samples in faces.items():
        counts = Counter(side(degrees) for degrees in head_turns(samples))
        rows += [SideRow(dataset, name, counts[name]) for name in SIDES]
    return rows


def by_turn(
    predictions: Predictions, candidates: Sequence[Candidate], test_set: TestSet
) -> list[HeadTurnRow]:
    """The NME of faces turned to one side, straight ahead, and turned to the other; true boxes."""
    names = [side(degrees) for degrees in head_turns(test_set.faces)]
    return [
        HeadTurnRow(**_names(candidate, test_set), turn=name, faces=count, nme=nme)
        for candidate, name, count, nme in _by(names, predictions, candidates, test_set)
    ]


def by_view(predictions: Predictions, candidates: Sequence[Candidate], test_set: TestSet) -> list[ViewRow]:
    """The NME of IMM's six views of each person, by the number in the pictures' names; true boxes."""
    names = [VIEWS[Path(face.id).stem.partition("-")[2][0]] for face in test_set.faces]
    return [
        ViewRow(**_names(candidate, test_set), view=name, faces=count, nme=nme)
        for candidate, name, count, nme in _by(names, predictions, candidates, test_set)
    ]


def _by(
    names: Sequence[str], predictions: Predictions, candidates: Sequence[Candidate], test_set: TestSet
) -> Iterator[tuple[Candidate, str, int, float]]:
    """By candidate and name: the number of faces of that name, and their mean NME."""
    points = predictions(candidates, test_set)
    for candidate in candidates:
        scheme = common_schemes(candidate.scheme.name, test_set.scheme)[0]
        nme = face_errors(points[candidate.name], candidate.scheme.name, test_set.faces, scheme).nme
        for name in sorted(set(names)):
            chosen = [error for error, own in zip(nme, names, strict=True) if own == name]
            yield candidate, name, len(chosen), float(np.mean(chosen))


def shrinking(
    predictions: Predictions, candidates: Sequence[Candidate], test_set: TestSet, training: str
) -> list[ShrinkingRow]:
    """How much smaller than the truth predictions are; true boxes.

    `slope` is the regression of the predicted departures from the mean shape on the true ones (1 is
    faithful, 0 always predicts the mean face), `size` the extent of the predicted shapes over that of the
    true ones. The mean shape is that of the data set `training`.
    """
    trained_on = load(training, test_set.root)
    boxes = [face.box for face in test_set.faces]
    points = predictions(candidates, test_set)
    rows = []
    for candidate in candidates:
        faces, known = (
            [as_scheme(face, candidate.scheme.name) for face in part] for part in (test_set.faces, trained_on)
        )
        model, truth = ShapeModel.fit(unit_shapes(known), 1), unit_shapes(faces)
        away = truth - model.mean
        predicted = unit_points(points[candidate.name], boxes)
        slope = ((predicted - model.mean) * away).sum() / (away**2).sum()
        size = float(np.mean(_extents(predicted) / _extents(truth))) if truth.shape[1] > 1 else None
        rows.append(ShrinkingRow(**_names(candidate, test_set), slope=float(slope), size=size))
    return rows


def _extents(shapes: NDArray) -> NDArray:
    """Root mean square distance of each shape's points from their center: (N, K, 2) -> (N,)."""
    return np.sqrt(((shapes - shapes.mean(axis=1, keepdims=True)) ** 2).sum(axis=-1).mean(axis=-1))


def squared(predictions: Predictions, candidates: Sequence[Candidate], test_set: TestSet) -> list[SquaredRow]:
    """The mean squared error of coordinates as shares of the picture's width and height.

    In true boxes, and in those of the runtime's detector; faces that it misses are left out.
    """
    detector = get_detector(RUNTIME_DETECTOR)
    found, boxes = [], []
    for face in test_set.faces:
        detected = detector.detect(load_image(face.image)).boxes
        if (best := best_match(face, detected)) is not None:
            found.append(face)
            boxes.append(detected[best].astype(np.float64))
    cases = [(TRUTH, test_set.faces, predictions(candidates, test_set))]
    if found:
        cases.append((DETECTOR, found, predict(candidates, found, boxes)))
    rows = []
    for name, faces, points in cases:
        sizes = np.array([load_image(face.image).shape[1::-1] for face in faces])
        for candidate in candidates:
            truth = np.stack([np.asarray(as_scheme(f, candidate.scheme.name).points) for f in faces])
            errors = (points[candidate.name] - truth) / sizes[:, None]
            names = _names(candidate, test_set)
            rows.append(SquaredRow(**names, boxes=name, faces=len(faces), mse=float(np.mean(errors**2))))
    return rows


def collapse(
    predictions: Predictions, candidates: Sequence[Candidate], test_set: TestSet
) -> list[CollapseRow]:
    """The width of the predicted faces over that of the true ones; true boxes."""
    truth = points_box(np.stack([np.asarray(face.points) for face in test_set.faces]))
    points = predictions(candidates, test_set)
    rows = []
    for candidate in candidates:
        boxes = points_box(points[candidate.name])
        width = np.mean((boxes[:, 2] - boxes[:, 0]) / (truth[:, 2] - truth[:, 0]))
        rows.append(CollapseRow(**_names(candidate, test_set), width=float(width)))
    return rows


def variance(faces: Mapping[str, Sequence[Sample]]) -> list[VarianceRow]:
    """The share of the shapes' variance that the first principal components hold.

    Of plain crops, and of crops rotated and shifted as in training.
    """
    rows = []
    for dataset, samples in faces.items():
        plain = unit_shapes(samples)
        for crops, shapes in (("plain", plain), ("varied", _vary(plain))):
            shares = ShapeModel.fit(shapes, MOST_COMPONENTS).shares.cumsum()
            rows += [
                VarianceRow(dataset, crops, count, float(share)) for count, share in enumerate(shares, 1)
            ]
    return rows


def _vary(shapes: NDArray) -> NDArray:
    rng = np.random.default_rng(0)
    angles = np.radians(rng.normal(0, TURN, len(shapes)))
    turned = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(
        2, 0, 1
    )
    shifts = rng.normal(0, SHIFT, (len(shapes), 1, 2))
    return np.einsum("nkd,ned->nke", shapes - 0.5, turned) + 0.5 + shifts


def _names(candidate: Candidate, test_set: TestSet) -> dict[str, str]:
    return {"model": candidate.name, "sha256": candidate.sha256, "dataset": test_set.name}
