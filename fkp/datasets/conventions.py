"""How the labels of two sources differ: by a shift to one side, and in where annotators put each point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fkp.geometry import Array

# The inter-ocular distance of a frontal face over the square root of its box's area, median of ibug-train.
_INTER_OCULAR_SHARE = 0.605


def typical_inter_ocular(boxes: ArrayLike) -> Array:
    """The inter-ocular distance that a frontal face of that size has, in pixels: boxes (..., 4) -> (...).

    It holds for profiles too, where one of the eyes cannot be seen.
    """
    return _INTER_OCULAR_SHARE * box_size(boxes)


def box_size(boxes: ArrayLike) -> Array:
    """The square root of each box's area, in pixels: (..., 4) -> (...)."""
    boxes = np.asarray(boxes, np.float64)
    return np.sqrt(np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1))


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """How far labels are shifted to the right of mirror-symmetric predictions.

    Attributes:
        shift: mean, in percent of the inter-ocular distance.
        error: standard error of that mean, NaN for a single face.
        faces: how many it rests on.
    """

    shift: float
    error: float
    faces: int


def label_asymmetry(labels: ArrayLike, predictions: ArrayLike, inter_ocular: ArrayLike) -> Asymmetry:
    """The mean signed x-error that mirror averaging leaves, which belongs to the labels.

    Args:
        labels: (N, K, 2) in pixels, NaN where a point is not annotated.
        predictions: (N, K, 2), each the mean of a network's predictions for the face and its mirror image,
            so that constant errors in x cancel.
        inter_ocular: (N,) in pixels.
    """
    differences = np.asarray(labels, np.float64)[..., 0] - np.asarray(predictions, np.float64)[..., 0]
    shifts = np.nanmean(differences, axis=1) / np.asarray(inter_ocular, np.float64) * 100
    error = float(shifts.std(ddof=1) / np.sqrt(len(shifts))) if len(shifts) > 1 else float("nan")
    return Asymmetry(float(shifts.mean()), error, len(shifts))


def face_frames(predictions: ArrayLike, boxes: ArrayLike) -> Array:
    """Matrices (N, 2, 2) from offsets in the face's own frame to offsets in the picture, in pixels.

    In the face's frame y points from the eyes to the mouth, whichever way the head turns, and 1 is the square
    root of the box's area.

    Args:
        predictions: (N, 68, 2) complete 68-point landmarks.
        boxes: (N, 4).
    """
    predictions = np.asarray(predictions, np.float64)
    down = predictions[:, 48:68].mean(axis=1) - predictions[:, 36:48].mean(axis=1)
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    right = np.stack([down[:, 1], -down[:, 0]], axis=1)
    return np.stack([right, down], axis=2) * box_size(boxes)[:, None, None]


def style_offsets(
    labels: ArrayLike, predictions: ArrayLike, boxes: ArrayLike, mirror_order: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """Mean offset of each point from one source's labels to predictions in another source's style.

    Args:
        labels: (N, 68, 2) in pixels, NaN where a point is not annotated.
        predictions: (N, 68, 2) of the network.
        boxes: (N, 4) face boxes.
        mirror_order: of the scheme; it makes the offsets mirror-symmetric, without a shift to one side.

    Returns:
        (68, 2) in the face's frame, see `face_frames`; zero for points that are never annotated.
    """
    labels, predictions = np.asarray(labels, np.float64), np.asarray(predictions, np.float64)
    offsets = np.einsum("nij,nkj->nki", np.linalg.inv(face_frames(predictions, boxes)), predictions - labels)
    if mirror_order is not None:
        offsets = np.concatenate([offsets, offsets[:, list(mirror_order)] * [-1, 1]])
    known = np.isfinite(offsets).all(axis=2)[..., None]
    return np.where(known, offsets, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def translate(labels: ArrayLike, predictions: ArrayLike, boxes: ArrayLike, offsets: ArrayLike) -> Array:
    """Labels (N, 68, 2) moved by the offsets of `style_offsets`."""
    return np.asarray(labels, np.float64) + np.einsum(
        "nij,kj->nki", face_frames(predictions, boxes), np.asarray(offsets, np.float64)
    )
