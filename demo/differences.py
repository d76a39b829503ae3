"""Where models disagree: their points of one face in one picture, joined by lines."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fkp.geometry import crop_transform, transform_points, warp
from fkp.runtime.drawing import Color
from fkp.runtime.face import Face

# One for each model, in the order they were chosen (Okabe and Ito, 2008).
COLORS: Sequence[Color] = ((255, 255, 255), (230, 159, 0), (86, 180, 233), (204, 121, 167))

_SIDE = 640
_MARGIN = 1.5
_DIM = 0.55  # of the picture's brightness, so that the points stand out
_SHIFT = 4  # bits of a coordinate's fraction that cv2 draws with


def draw_differences(image: NDArray[np.uint8], faces: Sequence[Face]) -> NDArray[np.uint8]:
    """One face as several models see it, zoomed: each model's points in its color of `COLORS`.

    Where a model has the scheme of the first one, a line joins each of its points to the first's.

    Args:
        image: RGB uint8 (H, W, 3).
        faces: of the same person, one of each model; the first one's box is what is shown.
    """
    size = (_SIDE, _SIDE)
    matrix = crop_transform(faces[0].box, size, _MARGIN)
    canvas = (warp(image, matrix, size) * _DIM).astype(np.uint8)
    placed = [
        np.round(transform_points(matrix, face.points) * (1 << _SHIFT)).astype(np.int32) for face in faces
    ]
    for face, points, color in zip(faces[1:], placed[1:], COLORS[1:], strict=False):
        if face.scheme == faces[0].scheme:
            lines = np.stack([placed[0], points], axis=1)
            cv2.polylines(canvas, list(lines), False, color, 2, cv2.LINE_AA, _SHIFT)
    for points, color in zip(placed, COLORS, strict=False):
        for x, y in points.tolist():
            cv2.circle(canvas, (x, y), 3 << _SHIFT, color, -1, cv2.LINE_AA, _SHIFT)
    return canvas
