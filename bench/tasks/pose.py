"""How well the yaw of a head is estimated from a model's points, and whether the roll follows the picture."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.candidates import Candidate
from bench.faces import TestSet
from bench.parallel import on_all_cores
from bench.rows import PoseRow
from fkp.datasets import Sample
from fkp.geometry import annotated_box, crop_transform, transform_points, warp
from fkp.images import load_image
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.pose import Pose, head_pose

YAW_EDGES = (0.0, 30.0, 60.0, math.inf)  # degrees, of the groups of faces
TILTS = (-30.0, 30.0)  # degrees by which pictures are rotated
_RESAMPLES = 2000
_SPACE = 3.0  # side of a rotated picture, over the longer side of the face box


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of an angle in a group of faces, in degrees.

    Attributes:
        group: of faces, by the size of their true yaw.
        faces: how many there are.
        mae: mean absolute error, with its 95 % bootstrap interval over the faces, `mae_from` to `mae_to`.
        median: of the absolute errors.
        bias: mean error towards larger yaws; negative where they are underestimated.
        within: percent of faces whose error is within the standard deviation that the estimate states.
    """

    group: str
    faces: int
    mae: float
    mae_from: float
    mae_to: float
    median: float
    bias: float | None = None
    within: float | None = None


def measure(candidate: Candidate, test_set: TestSet) -> list[PoseRow]:
    """Rows of a candidate: yaw from its points and from the annotated ones, roll in rotated pictures.

    Faces are those whose yaw is known, in the boxes of the annotated points, in one pass.
    """
    predictor = candidate.open()
    assert isinstance(predictor, Landmarker)
    faces = [face for face in test_set.faces if face.yaw is not None]

    def predict(face: Sample) -> list[Pose | None]:
        image = load_image(face.image)
        views = [(image, face.box), *(_turned(image, face, tilt) for tilt in TILTS)]
        points = [predictor.predict(picture, box[None])[0] for picture, box in views]
        return [head_pose(found, face.scheme) for found in points]

    predicted = on_all_cores(predict, faces, f"{candidate.name}'s poses", "face")
    annotated = [head_pose(np.asarray(face.points), face.scheme) for face in faces]
    yaws = np.array([face.yaw for face in faces])

    def rows(angle: str, points: str, errors: Iterator[Errors]) -> list[PoseRow]:
        return [
            PoseRow(
                **candidate.names,
                dataset=test_set.name,
                angle=angle,
                points=points,
                **dataclasses.asdict(error),
            )
            for error in errors
        ]

    return [
        *rows("yaw", "predicted", yaw_errors([poses[0] for poses in predicted], yaws)),
        *rows("yaw", "annotated", yaw_errors(annotated, yaws)),
        *rows("roll", "predicted", roll_errors(predicted, yaws)),
    ]


def yaw_errors(poses: list[Pose | None], yaws: NDArray) -> Iterator[Errors]:
    """Errors of estimated yaws, given the true ones (N,) in degrees: of all faces, then by groups."""
    found = np.array([math.nan if pose is None else pose.yaw for pose in poses])
    stated = np.array([math.nan if pose is None else pose.yaw_deviation for pose in poses])
    errors = found - yaws
    for group, members in _groups(yaws):
        own = errors[members]
        yield dataclasses.replace(
            _errors(group, own),
            bias=float(np.nanmean(own * np.sign(yaws[members]))),
            within=100 * float((abs(own) <= stated[members]).mean()),
        )


def roll_errors(poses: list[list[Pose | None]], yaws: NDArray) -> Iterator[Errors]:
    """How far the roll is from following the picture: `poses` are those of the picture itself and of its
    copies rotated by `TILTS`, (N, 3)."""
    rolls = np.array([[math.nan if pose is None else pose.roll for pose in views] for views in poses])
    errors = (rolls[:, 1:] - rolls[:, :1] - TILTS + 180) % 360 - 180
    for group, members in _groups(yaws):
        yield _errors(group, errors[members])


def _groups(yaws: NDArray) -> Iterator[tuple[str, NDArray]]:
    yield "all", np.ones(len(yaws), bool)
    for low, high in itertools.pairwise(YAW_EDGES):
        members = (abs(yaws) >= low) & (abs(yaws) < high)
        if members.any():
            yield (f"yaw {low:.0f}-{high:.0f}" if math.isfinite(high) else f"yaw {low:.0f}+"), members


def _errors(group: str, errors: NDArray) -> Errors:
    """Figures of errors (N,), or of several (N, M) for each face; NaN where there is no estimate."""
    sizes = np.abs(errors.reshape(len(errors), -1)).mean(axis=1)
    sizes = sizes[np.isfinite(sizes)]
    picks = np.random.default_rng(0).integers(0, len(sizes), (_RESAMPLES, len(sizes)))
    low, high = np.percentile(sizes[picks].mean(axis=1), (2.5, 97.5))
    return Errors(group, len(sizes), float(sizes.mean()), float(low), float(high), float(np.median(sizes)))


def _turned(image: NDArray[np.uint8], face: Sample, tilt: float) -> tuple[NDArray[np.uint8], NDArray]:
    """The surroundings of a face, rotated clockwise by degrees, and the face's box in there."""
    assert face.points is not None
    side = round(_SPACE * float(np.max(face.box[2:] - face.box[:2])))
    matrix = crop_transform(face.box, (side, side), _SPACE, -tilt)
    return warp(image, matrix, (side, side)), annotated_box(transform_points(matrix, face.points))
