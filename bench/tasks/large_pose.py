"""Errors at any head turn, and which points a model knows to be visible."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.candidates import Candidate
from bench.parallel import on_all_cores
from bench.rows import LargePoseRow
from fkp.datasets import Sample
from fkp.datasets.conventions import box_size, style_offsets, translate
from fkp.images import load_image
from fkp.large_pose import POSE_GROUPS, partial_nme, visibility_figures
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.sessions import Outputs

TEST_SET, FITTED_ON = "merl-rav-test", "merl-rav-train"


@dataclass(frozen=True, slots=True)
class PoseGroup:
    """The figures of a group of poses, as columns of a `LargePoseRow`."""

    pose: str
    faces: int
    nme: float
    nme_same_style: float
    auc_hidden: float | None = None
    auc_covered: float | None = None
    calibration_error: float | None = None


def measure(candidate: Candidate, test: Sequence[Sample], fitting: Sequence[Sample]) -> list[LargePoseRow]:
    """A row for all test faces, and for each group of poses; offsets of style are fitted on other faces."""
    predictions = predict(candidate, test)
    offsets = style_offsets(stack(fitting), predict(candidate, fitting).points, boxes(fitting))
    return [
        LargePoseRow(**candidate.names, dataset=TEST_SET, **dataclasses.asdict(group))
        for group in figures(predictions, test, offsets)
    ]


def predict(candidate: Candidate, faces: Sequence[Sample]) -> Outputs:
    """A candidate's outputs for faces in their true boxes, in one pass."""
    predictor = candidate.open()

    def predict_one(face: Sample) -> Outputs:
        image, box = load_image(face.image), face.box[None]
        if isinstance(predictor, Landmarker):
            return predictor.predict_all(image, box)
        points = predictor.predict(image, box)
        return Outputs(points, np.ones(points.shape[:2], np.float32), None)

    found = on_all_cores(predict_one, faces, f"{candidate.name} at any head turn", "face")
    visible = None if found[0].visible is None else np.concatenate([a.visible for a in found])
    return Outputs(
        np.concatenate([a.points for a in found]), np.concatenate([a.scores for a in found]), visible
    )


def figures(predictions: Outputs, faces: Sequence[Sample], offsets: NDArray) -> Iterator[PoseGroup]:
    """The figures of all faces, and of each group of poses.

    Args:
        predictions: for each face.
        faces: with poses and states.
        offsets: (K, 2) from the data set's style of annotation to the model's, see `style_offsets`.
    """
    truth, where = stack(faces), boxes(faces)
    size = box_size(where)
    plain = partial_nme(predictions.points, truth, size)
    same_style = partial_nme(predictions.points, translate(truth, predictions.points, where, offsets), size)
    states = np.stack([np.asarray(face.state) for face in faces])
    groups = np.array([POSE_GROUPS[face.pose or ""] for face in faces])
    for group in ("all", *dict.fromkeys(POSE_GROUPS.values())):
        chosen = (groups == group) | (group == "all")
        if chosen.any():
            seen = (
                {}
                if predictions.visible is None
                else visibility_figures(predictions.visible[chosen], states[chosen])
            )
            yield PoseGroup(
                pose=group,
                faces=int(chosen.sum()),
                nme=float(plain[chosen].mean()),
                nme_same_style=float(same_style[chosen].mean()),
                **seen,
            )


def stack(faces: Sequence[Sample]) -> NDArray:
    """Points (N, K, 2), NaN where one is not annotated."""
    return np.stack([np.asarray(face.points) for face in faces])


def boxes(faces: Sequence[Sample]) -> NDArray:
    """Boxes (N, 4)."""
    return np.stack([face.box for face in faces])
