"""The score from which a model's landmarks can be trusted, chosen on validation pictures.

Every picture is analyzed upright and rotated by quarter turns. A face is wrong where its points are off by
more than `WRONG` of its size, and right where they are off by less than `RIGHT`; the others do not count.
Boxes in the corners of a picture that hardly meet the face are wrong, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from tqdm import tqdm

from fkp.atomic import draft_of
from fkp.datasets import Sample
from fkp.errors import ModelError
from fkp.geometry import box_iou, points_box
from fkp.images import load_image
from fkp.spec import METADATA_KEY, ModelSpec

VALIDATION = ("ibug-val", "merl-rav-val", "cfp-val")
RIGHT, WRONG = 0.10, 0.20  # mean distance of the points, over sqrt(w * h) of their tight box
PASSED = 0.01  # share of the wrong faces that score above the limit, interpolated between faces
_CORNER = 0.6  # side of a box in a corner, over that of the face
_MEETS = 0.1  # share of a box in a corner that may lie on the face


class FaceFinder(Protocol):
    """The part of a `Landmarker` that is needed here."""

    spec: ModelSpec

    def __call__(self, image: NDArray[np.uint8]) -> Sequence[Any]: ...
    def analyze(self, image: NDArray[np.uint8], boxes: NDArray) -> Any: ...


class Scores(NamedTuple):
    """Mean scores of faces that were found."""

    right: NDArray[np.float64]
    wrong: NDArray[np.float64]

    def rates(self, limit: float) -> tuple[float, float]:
        """The share of the right faces below a limit, and that of the wrong ones from it on."""
        return float((self.right < limit).mean()), float((self.wrong >= limit).mean())


def collect(landmarker: FaceFinder, samples: Iterable[Sample]) -> Scores:
    """Analyze pictures in four orientations, and sort the faces' scores by whether their points are right.

    Args:
        landmarker: of a model with scores of its own; it searches rotated crops as after calibration.
        samples: faces with points; of several people in a picture, the one on the sample's box counts.
    """
    landmarker.spec = dataclasses.replace(landmarker.spec, reliable_score=0.0)
    right, wrong = [], []
    for sample in tqdm(list(samples), unit="face", leave=False, disable=None):
        image, truth = load_image(sample.image), np.asarray(sample.points)
        for turns in range(4):
            rotated = np.ascontiguousarray(np.rot90(image, turns))
            points = _rotated(truth, turns, image.shape)
            error, score = _error_and_score(landmarker, rotated, points)
            if error < RIGHT:
                right.append(score)
            elif error > WRONG:
                wrong.append(score)
        nothing = landmarker.analyze(image, _corners(sample, image)).faces
        wrong += [float(face.scores.mean()) for face in nothing]
    return Scores(np.array(right), np.array(wrong))


def choose(scores: Scores) -> float:
    """The lowest limit that about `PASSED` of the wrong faces reach, to two digits.

    Raises:
        ModelError: no face is right, or most right faces are below the limit: scores do not separate them.
    """
    reached = float(np.quantile(scores.wrong, 1 - PASSED)) if len(scores.wrong) else 0.0
    limit = float(np.floor(reached * 100 + 1) / 100)
    if not len(scores.right) or scores.rates(limit)[0] > 0.5:
        raise ModelError("the scores of this model do not tell right faces from wrong ones")
    return limit


def write_limit(path: Path, landmarker: FaceFinder, limit: float) -> None:
    """Write the limit into a model's description; its graph and weights stay as they are."""
    spec = dataclasses.replace(landmarker.spec, reliable_score=limit)
    proto = onnx.load(path)
    helper.set_model_props(proto, {METADATA_KEY: spec.to_json()})
    with draft_of(path) as draft:
        onnx.save(proto, draft)


def _corners(sample: Sample, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Boxes (N, 4) in the corners of a picture that hardly meet the sample's face."""
    height, width = image.shape[:2]
    side = _CORNER * float((sample.box[2:] - sample.box[:2]).max())
    corners = [(x, y, x + side, y + side) for x in (0, width - side) for y in (0, height - side)]
    boxes = np.array(corners, np.float64)
    overlaps = np.minimum(boxes[:, 2:], sample.box[2:]) - np.maximum(boxes[:, :2], sample.box[:2])
    return boxes[overlaps.clip(min=0).prod(axis=1) < _MEETS * side**2]


def _error_and_score(landmarker: FaceFinder, image: NDArray[np.uint8], truth: NDArray) -> tuple[float, float]:
    """The relative error and the mean score of the face on the true points; (1, 0) where none was found."""
    annotated = np.isfinite(truth).all(axis=1)
    box = points_box(truth[annotated])
    faces = landmarker(image)
    overlaps = [float(box_iou(box, points_box(face.points))[0, 0]) for face in faces]
    if not faces or max(overlaps) == 0:
        return 1.0, 0.0
    face = faces[int(np.argmax(overlaps))]
    distances = np.linalg.norm(face.points[annotated] - truth[annotated], axis=1)
    return float(distances.mean() / np.sqrt(np.prod(box[2:] - box[:2]))), float(face.scores.mean())


def _rotated(points: NDArray, turns: int, shape: Sequence[int]) -> NDArray:
    """Points of a picture of that shape (H, W, ...) in the frame of `numpy.rot90(picture, turns)`."""
    height, width = shape[:2]
    x, y = points.T
    return np.stack(
        [(x, y), (y, width - 1 - x), (width - 1 - x, height - 1 - y), (height - 1 - y, x)][turns], 1
    )
