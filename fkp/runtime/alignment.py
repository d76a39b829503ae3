"""Faces cut out and aligned for recognition, generation and expression models."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fkp.errors import AlignmentError, UsageError
from fkp.geometry import invert, unit_transform, warp
from fkp.runtime.face import Face
from fkp.schemes import IBUG68

Array = NDArray[np.floating]

# Where ArcFace's crops of 112 pixels have the eyes, the nose tip and the corners of the mouth, those on the
# left of the picture first (Deng et al., CVPR 2019, as published with InsightFace).
ARCFACE_SIZE = 112
ARCFACE_POINTS = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)

# Where dlib's face chips without padding have points 27 to 67 of the 68, in shares of the side; its aligner
# leaves out jaw, brows and lower lip (King, JMLR 2009; dlib's get_face_chip_details).
DLIB_PADDING = 0.25
DLIB_POINTS: Mapping[int, tuple[float, float]] = {
    27: (0.490127, 0.203352), 28: (0.490127, 0.307009), 29: (0.490127, 0.409805), 30: (0.490127, 0.515625),
    31: (0.36688, 0.587326), 32: (0.426036, 0.609345), 33: (0.490127, 0.628106), 34: (0.554217, 0.609345),
    35: (0.613373, 0.587326), 36: (0.121737, 0.216423), 37: (0.187122, 0.178758), 38: (0.265825, 0.179852),
    39: (0.334606, 0.231733), 40: (0.260918, 0.245099), 41: (0.182743, 0.244077), 42: (0.645647, 0.231733),
    43: (0.714428, 0.179852), 44: (0.793132, 0.178758), 45: (0.858516, 0.216423), 46: (0.79751, 0.244077),
    47: (0.719335, 0.245099), 48: (0.254149, 0.780233), 49: (0.340985, 0.745405), 50: (0.428858, 0.727388),
    51: (0.490127, 0.742578), 52: (0.551395, 0.727388), 53: (0.639268, 0.745405), 54: (0.726104, 0.780233),
    60: (0.290379, 0.784792), 61: (0.428096, 0.778746), 62: (0.490127, 0.785343), 63: (0.552157, 0.778746),
    64: (0.689874, 0.784792),
}  # fmt: skip

MOST_YAW = 60.0
"""Degrees of yaw beyond which a face is refused: its far eye is hidden, or nearly."""

_SMALLEST_EYES = 2.0  # pixels between the eyes in the picture


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """A face cut out of its picture.

    Attributes:
        crop: (size, size, 3) uint8 RGB; outside of the picture, its border is repeated.
        matrix: (3, 3) float64, image frame -> crop frame: rotation, uniform scale and shift.
    """

    crop: NDArray[np.uint8]
    matrix: Array


def align(
    image: NDArray[np.uint8], face: Face, size: int = ARCFACE_SIZE, template: str = "arcface"
) -> AlignedFace:
    """Cut a face out of its picture, level and at the scale of a well-known alignment.

    Args:
        image: (H, W, 3) uint8 RGB.
        face: found in it, with the 68 points.
        size: side of the crop in pixels. Models mostly want 112 for "arcface", 256 to 1024 for "ffhq" and 150
            for "dlib".
        template: "arcface" (five points by least squares), "ffhq" (the square of eyes and mouth that made
            FFHQ; Karras et al., CVPR 2019), or "dlib" (its face chip with a padding of 0.25).

    Raises:
        AlignmentError: the face has other points than the 68, is turned aside by more than `MOST_YAW`
            degrees, or has no distance between its eyes.
        UsageError: unknown template, or a size below 8.
    """
    if template not in TEMPLATES:
        raise UsageError(f"unknown template {template!r}; known: {', '.join(TEMPLATES)}")
    if size < 8:
        raise UsageError(f"an aligned face is at least 8 pixels wide, not {size}")
    check_alignable(face)
    matrix = TEMPLATES[template](face.points.astype(np.float64), size)
    return AlignedFace(warp(image, matrix, (size, size)), matrix)


def check_alignable(face: Face) -> None:
    """Refuse a face that cannot be aligned.

    Raises:
        AlignmentError: with the reason.
    """
    if face.scheme != IBUG68.name:
        raise AlignmentError(f"alignment needs the 68 points, not {face.scheme}")
    if not np.isfinite(face.points).all():
        raise AlignmentError("some of the face's points are not known")
    right, left = _eyes(face.points.astype(np.float64))
    if math.dist(right, left) < _SMALLEST_EYES:
        raise AlignmentError(f"the eyes are less than {_SMALLEST_EYES:g} pixels apart")
    pose = face.pose
    if pose is None or abs(pose.yaw) > MOST_YAW:
        raise AlignmentError(f"the face is turned aside by more than {MOST_YAW:g} degrees")


def five_points(points: ArrayLike) -> Array:
    """Centers of the eyes, nose tip, corners of the mouth, (5, 2), from the 68 points (68, 2).

    The eye and the corner on the left of an upright picture, the subject's right ones, come first.
    """
    points = np.asarray(points, np.float64)
    return np.stack([*_eyes(points), points[30], points[48], points[54]])


def similarity(source: ArrayLike, target: ArrayLike) -> Array:
    """The (3, 3) rotation, uniform scale and shift that takes points (N, 2) closest to others (N, 2).

    Least squares without reflection, by Umeyama, "Least-Squares Estimation of Transformation Parameters
    Between Two Point Patterns", PAMI 1991.

    Raises:
        AlignmentError: all points of the source are in one place.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    a_mean, b_mean = a.mean(axis=0), b.mean(axis=0)
    a, b = a - a_mean, b - b_mean
    variance = (a**2).sum(axis=1).mean()
    if variance == 0:
        raise AlignmentError("the points are all in one place")
    left, values, right = np.linalg.svd(b.T @ a / len(a))
    signs = np.array([1.0, math.copysign(1.0, np.linalg.det(left) * np.linalg.det(right))])
    matrix = np.eye(3)
    matrix[:2, :2] = (values * signs).sum() / variance * (left * signs) @ right
    matrix[:2, 2] = b_mean - matrix[:2, :2] @ a_mean
    return matrix


def _eyes(points: Array) -> tuple[Array, Array]:
    right, left = (points[list(IBUG68.regions[eye])].mean(axis=0) for eye in ("right_eye", "left_eye"))
    return right, left


def _arcface(points: Array, size: int) -> Array:
    return similarity(five_points(points), np.array(ARCFACE_POINTS) * (size / ARCFACE_SIZE))


def _dlib(points: Array, size: int) -> Array:
    unit = (np.array(list(DLIB_POINTS.values())) + DLIB_PADDING) / (1 + 2 * DLIB_PADDING)
    return invert(unit_transform((size, size))) @ similarity(points[list(DLIB_POINTS)], unit)


def _ffhq(points: Array, size: int) -> Array:
    """The square whose right half-side is the mean of the eyes' line and of the one across that from eyes to
    mouth, and as long as two eye distances or 1.8 distances of eyes and mouth."""
    right, left, _, *mouth = five_points(points)
    middle = (right + left) / 2
    across, down = left - right, np.mean(mouth, axis=0) - middle
    side = across + np.array([down[1], -down[0]])
    half = side / np.hypot(*side) * max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down))
    center = middle + 0.1 * down
    below = np.array([-half[1], half[0]])
    from_unit = np.eye(3)
    from_unit[:2] = np.stack([2 * half, 2 * below, center - half - below], axis=1)
    return invert(from_unit @ unit_transform((size, size)))


TEMPLATES: Mapping[str, Callable[[Array, int], Array]] = {"arcface": _arcface, "ffhq": _ffhq, "dlib": _dlib}
"""Template -> from the 68 points and the side of the crop to the transform, image frame -> crop frame."""
