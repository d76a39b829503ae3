"""Figures that the leaderboard has no column for: by head turn, shrinking, squared errors, variance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench.cache import Cache, code_hash
from bench.candidates import Candidate
from bench.faces import TestSet, best_match
from bench.scores import common_schemes, face_errors
from bench.tasks.accuracy import DETECTOR
from fkp.datasets import Sample, as_scheme, load
from fkp.datasets.unit_shapes import unit_points, unit_shapes
from fkp.geometry import points_box
from fkp.images import load_image
from fkp.runtime import landmarker
from fkp.runtime.detectors import get_detector
from fkp.schemes import get_scheme
from fkp.shapes import ShapeModel

Row = dict[str, Any]

MOST_COMPONENTS = 40
# How crops are varied for `variance`, standard deviations: degrees, and shares of the box's side.
TURN, SHIFT = 12.0, 0.08
# Which turns count as ahead, half and far; IMM's people turned by 30 degrees are at 0.5.
HALF, FAR = 0.2, 0.5
SIDES = ("far left", "half left", "ahead", "half right", "far right")

# IMM's views, left and right as in the picture.
VIEWS: Mapping[str, str] = {
    "1": "neutral", "2": "smiling", "3": "turned left", "4": "turned right", "5": "side light",
    "6": "grimace",
}  # fmt: skip


class Answers:
    """What models say of the faces of data sets, in the faces' true boxes; kept in the cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def __call__(self, candidates: Sequence[Candidate], test_set: TestSet) -> dict[str, NDArray]:
        """Points (N, K, 2) of each candidate, image frame."""
        code = code_hash(str(landmarker.__file__))
        keys = {
            c.name: {
                "part": "experiments", "model": c.identity,
                "dataset": [test_set.name, test_set.fingerprint], "code": code,
            }
            for c in candidates
        }  # fmt: skip
        known = {name: points for name, key in keys.items() if (points := self._cache.load(key)) is not None}
        if fresh := [c for c in candidates if c.name not in known]:
            faces = test_set.faces
            for name, points in predict(fresh, faces, [face.box for face in faces]).items():
                known[name] = points.round(3).tolist()
                self._cache.store(keys[name], known[name])
        return {name: np.array(points) for name, points in known.items()}


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


def turn(points: NDArray, scheme: str) -> float:
    """How far a head is turned, from its points (K, 2): 0 is ahead, negative to the left of the picture.

    It is where the nose tip lies between the two ends of the jaw line: -1 at the left end, 1 at the
    right one, however the head is tilted.
    """
    layout = get_scheme(scheme)
    left, right = points[layout.regions["jaw"][0]], points[layout.regions["jaw"][-1]]
    across = right - left
    return float(2 * (points[layout.nose_tip] - left) @ across / (across @ across) - 1)


def side(value: float) -> str:
    """Which of `SIDES` a turn belongs to."""
    return SIDES[int(np.searchsorted((-FAR, -HALF, HALF, FAR), value))]


def sides(faces: Mapping[str, Sequence[Sample]]) -> Iterator[Row]:
    """How many faces of a data set are turned to each side."""
    for dataset, samples in faces.items():
        counts = Counter(side(turn(np.asarray(sample.points), sample.scheme)) for sample in samples)
        for name in SIDES:
            yield {"dataset": dataset, "turn": name, "faces": counts[name]}


def by_turn(answers: Answers, candidates: Sequence[Candidate], test_set: TestSet) -> Iterator[Row]:
    """The NME of faces turned to one side, straight ahead, and turned to the other; true boxes."""
    names = [side(turn(np.asarray(face.points), face.scheme)) for face in test_set.faces]
    yield from _by("turn", names, answers, candidates, test_set)


def by_view(answers: Answers, candidates: Sequence[Candidate], test_set: TestSet) -> Iterator[Row]:
    """The NME of IMM's six views of each person, by the number in the pictures' names; true boxes."""
    names = [VIEWS[Path(face.id).stem.partition("-")[2][0]] for face in test_set.faces]
    yield from _by("view", names, answers, candidates, test_set)


def _by(
    what: str, names: Sequence[str], answers: Answers, candidates: Sequence[Candidate], test_set: TestSet
) -> Iterator[Row]:
    points = answers(candidates, test_set)
    for candidate in candidates:
        scheme = common_schemes(candidate.scheme.name, test_set.scheme)[0]
        nme = face_errors(points[candidate.name], candidate.scheme.name, test_set.faces, scheme).nme
        for name in sorted(set(names)):
            chosen = [error for error, own in zip(nme, names, strict=True) if own == name]
            yield _names(candidate, test_set) | {
                what: name, "faces": len(chosen), "nme": float(np.mean(chosen)),
            }  # fmt: skip


def shrinking(
    answers: Answers, candidates: Sequence[Candidate], test_set: TestSet, training: str
) -> Iterator[Row]:
    """How much smaller than the truth predictions are; true boxes.

    `slope` is the regression of the predicted departures from the mean shape on the true ones (1 is
    faithful, 0 always answers the mean face), `size` the extent of the predicted shapes over that of the
    true ones. The mean shape is that of the data set `training`.
    """
    trained_on = load(training, test_set.root)
    boxes = [face.box for face in test_set.faces]
    points = answers(candidates, test_set)
    for candidate in candidates:
        faces, known = (
            [as_scheme(face, candidate.scheme.name) for face in part] for part in (test_set.faces, trained_on)
        )
        model, truth = ShapeModel.fit(unit_shapes(known), 1), unit_shapes(faces)
        away = truth - model.mean
        predicted = unit_points(points[candidate.name], boxes)
        slope = ((predicted - model.mean) * away).sum() / (away**2).sum()
        size = float(np.mean(_extents(predicted) / _extents(truth))) if truth.shape[1] > 1 else None
        yield _names(candidate, test_set) | {"slope": float(slope), "size": size}


def _extents(shapes: NDArray) -> NDArray:
    """Root mean square distance of each shape's points from their center: (N, K, 2) -> (N,)."""
    return np.sqrt(((shapes - shapes.mean(axis=1, keepdims=True)) ** 2).sum(axis=-1).mean(axis=-1))


def squared(answers: Answers, candidates: Sequence[Candidate], test_set: TestSet) -> Iterator[Row]:
    """The mean squared error of coordinates as shares of the picture's width and height.

    In true boxes, and in those of the runtime's detector; faces that it misses are left out.
    """
    detector = get_detector(DETECTOR)
    found, boxes = [], []
    for face in test_set.faces:
        detected = detector.detect(load_image(face.image)).boxes
        if (best := best_match(face, detected)) is not None:
            found.append(face)
            boxes.append(detected[best].astype(np.float64))
    cases = [("truth", test_set.faces, answers(candidates, test_set))]
    if found:
        cases.append(("detector", found, predict(candidates, found, boxes)))
    for name, faces, points in cases:
        sizes = np.array([load_image(face.image).shape[1::-1] for face in faces])
        for candidate in candidates:
            truth = np.stack([np.asarray(as_scheme(f, candidate.scheme.name).points) for f in faces])
            errors = (points[candidate.name] - truth) / sizes[:, None]
            yield _names(candidate, test_set) | {
                "boxes": name, "faces": len(faces), "mse": f"{np.mean(errors**2):.6f}",
            }  # fmt: skip


def collapse(answers: Answers, candidates: Sequence[Candidate], test_set: TestSet) -> Iterator[Row]:
    """The width of the predicted faces over that of the true ones; true boxes."""
    truth = points_box(np.stack([np.asarray(face.points) for face in test_set.faces]))
    points = answers(candidates, test_set)
    for candidate in candidates:
        boxes = points_box(points[candidate.name])
        width = np.mean((boxes[:, 2] - boxes[:, 0]) / (truth[:, 2] - truth[:, 0]))
        yield _names(candidate, test_set) | {"width": float(width)}


def variance(faces: Mapping[str, Sequence[Sample]]) -> Iterator[Row]:
    """The share of the shapes' variance that the first principal components hold.

    Of plain crops, and of crops turned and shifted as in training.
    """
    for dataset, samples in faces.items():
        plain = unit_shapes(samples)
        for crops, shapes in (("plain", plain), ("varied", _vary(plain))):
            shares = ShapeModel.fit(shapes, MOST_COMPONENTS).shares.cumsum()
            for count, share in enumerate(shares, 1):
                yield {
                    "dataset": dataset, "crops": crops, "components": count, "share": float(share),
                }  # fmt: skip


def _vary(shapes: NDArray) -> NDArray:
    rng = np.random.default_rng(0)
    angles = np.radians(rng.normal(0, TURN, len(shapes)))
    turned = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(
        2, 0, 1
    )
    shifts = rng.normal(0, SHIFT, (len(shapes), 1, 2))
    return np.einsum("nkd,ned->nke", shapes - 0.5, turned) + 0.5 + shifts


def _names(candidate: Candidate, test_set: TestSet) -> Row:
    return {"model": candidate.name, "sha256": candidate.sha256, "dataset": test_set.name}
