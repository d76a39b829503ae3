"""Random variations of a face crop: one warp for picture and points, then its colors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fkp import geometry


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How strongly a crop is varied. Zero, the default, leaves that variation out.

    Attributes:
        rotation: standard deviation in degrees.
        rotation_share: share of the crops that are turned at all.
        scale: standard deviation of the log of the box's size.
        shift: standard deviation of the box's shift, as a share of the box's side.
        perspective: largest shift of a crop's corner, as a share of the crop's side.
        mirror: share of mirrored crops, their points re-ordered by the scheme.
        reorder: False forgets that re-ordering: the mistake of report 002, kept to show what it does.
        color: strength of brightness, contrast and color-gain changes; 1 is strong.
        gray, blur, noise, occlusion: share of the crops that lose their color, are blurred, get
            sensor noise, or have a rectangle covered.
    """

    rotation: float = 0.0
    rotation_share: float = 1.0
    scale: float = 0.0
    shift: float = 0.0
    perspective: float = 0.0
    mirror: float = 0.0
    reorder: bool = True
    color: float = 0.0
    gray: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    occlusion: float = 0.0


NO_AUGMENTATION = Augmentation()


def random_transform(
    rng: np.random.Generator,
    box: NDArray,
    size: tuple[int, int],
    margin: float,
    augmentation: Augmentation,
) -> NDArray:
    """A random (3, 3) transform from the frame of `box` to a crop of size (H, W), not mirrored."""
    side = max(box[2] - box[0], box[3] - box[1])
    shift = rng.normal(0, 1, 2) * augmentation.shift * side
    factor = np.exp(rng.normal(0, 1) * augmentation.scale)
    turned = rng.random() < augmentation.rotation_share
    angle = rng.normal(0, 1) * augmentation.rotation if turned else 0.0
    matrix = geometry.crop_transform(
        box + np.tile(shift, 2), size, margin * factor, float(np.clip(angle, -60, 60))
    )
    if augmentation.perspective:
        height, width = size
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        moved = corners + rng.uniform(-1, 1, (4, 2)) * augmentation.perspective * min(size)
        matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32)) @ matrix
    return matrix


def augment(
    rng: np.random.Generator,
    image: NDArray[np.uint8],
    points: NDArray,
    box: NDArray,
    size: tuple[int, int],
    margin: float,
    mirror_order: Sequence[int],
    augmentation: Augmentation,
    label_shift: float = 0.0,
) -> tuple[NDArray[np.uint8], NDArray]:
    """A random crop of a face.

    Args:
        image: (h, w, 3) uint8 that holds the face.
        points: (K, 2) in the frame of `image`, NaN where a point is not annotated.
        box: (4,) face box in the frame of `image`.
        size: (H, W) of the crop.
        label_shift: pixels of `image` by which the points lie to the right of mirror-symmetric ones. So they
            must in the mirrored crop, where an unmoved point would lie to the left by as much.

    Returns:
        the crop (H, W, 3) uint8, and the points (K, 2) in its frame.
    """
    matrix = random_transform(rng, box, size, margin, augmentation)
    order: Sequence[int] | slice = slice(None)
    if rng.random() < augmentation.mirror:
        matrix = geometry.mirror_transform(size[1]) @ matrix
        points = points - [2 * label_shift, 0]
        order = list(mirror_order) if augmentation.reorder else order
    crop = geometry.warp(image, matrix, size)
    return _vary_pixels(rng, crop, augmentation), geometry.transform_points(matrix, points)[order]


def _vary_pixels(
    rng: np.random.Generator, crop: NDArray[np.uint8], augmentation: Augmentation
) -> NDArray[np.uint8]:
    height, width = crop.shape[:2]
    varied: NDArray = crop
    if rng.random() < augmentation.gray:
        varied = cv2.cvtColor(cv2.cvtColor(varied, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if augmentation.color:
        varied = cv2.LUT(varied, color_table(rng, augmentation.color))
    if rng.random() < augmentation.blur:
        sigma = rng.uniform(0.3, 0.016 * min(height, width))
        varied = cv2.GaussianBlur(varied, (0, 0), sigma)
    if rng.random() < augmentation.noise:
        noise = rng.normal(0, rng.uniform(2, 14), crop.shape)
        varied = (varied + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < augmentation.occlusion:
        h, w = (rng.uniform(0.1, 0.45, 2) * (height, width)).astype(int)
        y, x = rng.integers(0, height - h), rng.integers(0, width - w)
        varied = varied.copy()
        varied[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return varied


def color_table(rng: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    """A look-up table (256, 1, 3): gamma, contrast, brightness and a gain per channel."""
    levels = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.3 * strength))
    contrast = np.exp(rng.normal(0, 0.25 * strength))
    gains = np.exp(rng.normal(0, 0.08 * strength, 3))
    brightness = rng.normal(0, 0.1 * strength)
    table = ((levels[:, None] - 0.5) * contrast + 0.5 + brightness) * gains
    return (table * 255).clip(0, 255).astype(np.uint8)[:, None, :]
