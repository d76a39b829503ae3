"""What the face detector sees of a picture: the same where it is measured and where it is used."""

from __future__ import annotations

import cv2
from numpy.typing import NDArray

LONGEST = 640  # pixels of a picture's longer side: larger pictures are searched at this size
STEP = 32  # the sides of the detector's pictures are multiples of it


def shrink(image: NDArray, longest: int) -> tuple[NDArray, float]:
    """A picture (H, W, ...) with at most `longest` pixels on its longer side, and its new scale."""
    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1:
        return image, scale
    # Of a sliver OpenCV would leave nothing.
    size = (
        None if min(height, width) * scale >= 1 else (max(1, int(width * scale)), max(1, int(height * scale)))
    )
    return cv2.resize(image, size, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), scale


def to_batch(image: NDArray) -> tuple[NDArray, float]:
    """A picture (H, W, 3) uint8 as the detector's input (1, H', W', 3), and its scale in there.

    It is shrunk to `LONGEST` pixels, and padded with black on the right and below to whole steps.
    """
    small, scale = shrink(image, LONGEST)
    height, width = small.shape[:2]
    return cv2.copyMakeBorder(small, 0, -height % STEP, 0, -width % STEP, cv2.BORDER_CONSTANT)[None], scale
