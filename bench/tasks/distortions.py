"""What is done to a face to see when a model gives up: ten kinds, each in five severities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fkp.datasets import Sample
from fkp.geometry import box_diagonal, crop_transform, points_box, transform_points, warp
from fkp.metrics import inter_ocular
from fkp.schemes import Scheme

SIDE = 384  # pixels of a patch
FACE = 160  # pixels of the longer side of the face box in it


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A face in a normalized square cut from its picture, so that severities mean the same for all.

    Attributes:
        image: (SIDE, SIDE, 3) uint8, RGB.
        points: (K, 2), in the patch.
        box: (4,) canonical, in the patch.
    """

    image: NDArray[np.uint8]
    points: NDArray
    box: NDArray

    def normalizer(self, scheme: Scheme) -> float:
        """What an NME in this face's scheme is divided by, in pixels."""
        if scheme.outer_eye_corners:
            return float(inter_ocular(self.points[None], scheme.outer_eye_corners)[0])
        return float(box_diagonal(self.box))


def cut_patch(face: Sample, image: NDArray[np.uint8]) -> Patch:
    """The patch of a face.

    Raises:
        ValueError: it has no points.
    """
    if face.points is None:
        raise ValueError(f"{face.id} has no points")
    matrix = crop_transform(face.box, (SIDE, SIDE), SIDE / FACE)
    corners = transform_points(matrix, face.box.reshape(2, 2))
    return Patch(warp(image, matrix, (SIDE, SIDE)), transform_points(matrix, face.points), corners.ravel())


Distort = Callable[[Patch, float, np.random.Generator], Patch]


@dataclass(frozen=True, slots=True)
class Distortion:
    """One kind.

    Attributes:
        title: in words, with the unit of a severity.
        severities: from weak to strong.
        none: the severity that changes nothing.
        apply: makes the patch of a severity; the generator decides directions and places.
    """

    title: str
    severities: tuple[float, ...]
    apply: Distort
    none: float = 0.0


def move(patch: Patch, matrix: NDArray) -> Patch:
    """A patch whose face is moved by a (3, 3) transform, with the box that a face there has."""
    points = transform_points(matrix, patch.points)
    if len(points) > 2:
        box = points_box(points)
    else:  # one point spans no box: its box moves along, and grows and shrinks with the face
        center = transform_points(matrix, patch.box.reshape(2, 2).mean(axis=0))
        half = (patch.box[2:] - patch.box[:2]) / 2 * np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
        box = np.concatenate([center - half, center + half])
    return Patch(warp(patch.image, matrix, (SIDE, SIDE)), points, box)


def rotation_about(
    center: NDArray, degrees: float, scale: float = 1.0, shift: NDArray | None = None
) -> NDArray:
    """The (3, 3) transform that rotates (clockwise as seen) and scales about a point, then shifts."""
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    linear = np.array([[cos, -sin], [sin, cos]])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = center - linear @ center + (0 if shift is None else shift)
    return matrix


def _rotate(patch: Patch, degrees: float, rng: np.random.Generator) -> Patch:
    center = patch.box.reshape(2, 2).mean(axis=0)
    return move(patch, rotation_about(center, degrees * rng.choice((-1, 1))))


def _shift_box(patch: Patch, percent: float, rng: np.random.Generator) -> Patch:
    angle = rng.uniform(0, 2 * np.pi)
    size = patch.box[2:] - patch.box[:2]
    offset = np.array([np.cos(angle), np.sin(angle)]) * size * percent / 100
    return replace(patch, box=patch.box + np.tile(offset, 2))


def _scale_box(patch: Patch, percent: float, rng: np.random.Generator) -> Patch:
    factor = (1 + percent / 100) ** rng.choice((-1, 1))
    center = patch.box.reshape(2, 2).mean(axis=0)
    return replace(patch, box=np.tile(center, 2) + (patch.box - np.tile(center, 2)) * factor)


def _repaint(paint: Callable[[NDArray, float, np.random.Generator], NDArray]) -> Distort:
    """A distortion of the pixels alone; what it returns may leave 0..255 and is cut off there."""

    def apply(patch: Patch, severity: float, rng: np.random.Generator) -> Patch:
        image = paint(patch.image, severity, rng)
        return replace(patch, image=np.round(np.clip(image, 0, 255)).astype(np.uint8))

    return apply


def _blur(image: NDArray, percent: float, rng: np.random.Generator) -> NDArray:
    return cv2.GaussianBlur(image, (0, 0), percent / 100 * FACE)


def _noise(image: NDArray, sigma: float, rng: np.random.Generator) -> NDArray:
    return image + sigma * rng.standard_normal(image.shape, np.float32)


def _jpeg(image: NDArray, strength: float, rng: np.random.Generator) -> NDArray:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, round(100 - strength)])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


def _low_resolution(image: NDArray, factor: float, rng: np.random.Generator) -> NDArray:
    small = cv2.resize(image, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _darken(image: NDArray, factor: float, rng: np.random.Generator) -> NDArray:
    # As a camera with too little light: few levels are left, and the sensor's noise is among them.
    return image / factor + 2 * rng.standard_normal(image.shape, np.float32)


def _overexpose(image: NDArray, factor: float, rng: np.random.Generator) -> NDArray:
    return image * np.float32(factor)  # bytes times a whole number would be bytes again, and run over


def _occlude(patch: Patch, percent: float, rng: np.random.Generator) -> Patch:
    size = (patch.box[2:] - patch.box[:2]) * np.sqrt(percent / 100)
    corner = patch.box[:2] + rng.uniform(0, 1, 2) * (patch.box[2:] - patch.box[:2] - size)
    x0, y0, x1, y1 = np.round([*corner, *(corner + size)]).astype(int)
    image = patch.image.copy()
    image[max(y0, 0) : y1, max(x0, 0) : x1] = 128
    return replace(patch, image=image)


DISTORTIONS: Mapping[str, Distortion] = {
    "rotation": Distortion("in-plane rotation, degrees", (10, 20, 30, 45, 60), _rotate),
    "shift": Distortion("box shift, % of its size", (5, 10, 15, 20, 30), _shift_box),
    "scale": Distortion("box larger or smaller, %", (10, 20, 30, 40, 50), _scale_box),
    "blur": Distortion("Gaussian blur, sigma in % of the face", (1, 2, 3, 4, 6), _repaint(_blur)),
    "noise": Distortion("Gaussian noise, sigma in gray levels", (10, 20, 35, 50, 70), _repaint(_noise)),
    "jpeg": Distortion("JPEG, 100 - quality", (60, 75, 85, 90, 95), _repaint(_jpeg)),
    "resolution": Distortion(f"{FACE} pixels divided by", (2, 3.2, 5, 6.4, 10), _repaint(_low_resolution), 1),
    "dark": Distortion("darkness, light divided by", (2, 4, 8, 12, 16), _repaint(_darken), 1),
    "bright": Distortion("over-exposure, light times", (1.5, 2, 2.5, 3, 4), _repaint(_overexpose), 1),
    "occlusion": Distortion("gray rectangle, % of the face box", (10, 20, 30, 40, 50), _occlude),
}


def distort(patch: Patch, kind: str, severity: float, seed: int) -> Patch:
    """A patch under one condition; the same face goes the same way in every severity and every run."""
    if kind == "clean":
        return patch
    rng = np.random.default_rng([seed, *kind.encode()])
    return DISTORTIONS[kind].apply(patch, severity, rng)
