"""Where faces are searched: the whole picture, its rotated copies, and tiles of a large one.

A detector sees a picture once, shrunk to `fkp.letterbox.LONGEST` pixels, and finds upright faces.
Others (rotated ones, a small face in a large picture) take more passes, made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fkp.geometry import one_face, suppress_overlaps, transform_points
from fkp.letterbox import LONGEST, shrink
from fkp.runtime.detectors import Detections, Detector

SEARCHES = ("fast", "thorough")
QUARTER_TURNS = (90.0, 180.0, 270.0)  # degrees, clockwise
SURE_SCORE = 0.45  # mean score of a face from which no other orientation is tried
SAME_FACE = 0.5  # of the smaller of two boxes: the share from which they are on one face

_ROTATIONS = {90.0: cv2.ROTATE_90_CLOCKWISE, 180.0: cv2.ROTATE_180, 270.0: cv2.ROTATE_90_COUNTERCLOCKWISE}
_TILE_OVERLAP = 192  # pixels: a face that does not fit into it is seen whole at the next smaller scale


def detect_rotated(detector: Detector, image: NDArray[np.uint8]) -> Detections:
    """Find the faces that are upright in one of the copies of a picture rotated by quarter turns.

    Args:
        detector: runs every pass.
        image: RGB uint8 (H, W, 3).

    Returns:
        boxes in the frame of the picture as it was given.
    """
    parts = []
    for degrees in QUARTER_TURNS:
        rotated = np.asarray(cv2.rotate(image, _ROTATIONS[degrees]), np.uint8)
        found = detector.detect(rotated)
        parts.append(Detections(_rotated_back(found.boxes, degrees, image.shape), found.scores))
    return merge(parts)


def detect_tiled(detector: Detector, image: NDArray[np.uint8]) -> Detections:
    """Find the faces of a large picture: in overlapping tiles of it, of its half, of its quarter and so on.

    The number of passes grows with the number of pixels: about one for each 0.2 megapixels, and a third more
    for the smaller scales.

    Args:
        detector: runs every pass.
        image: RGB uint8 (H, W, 3).
    """
    parts = [detector.detect(image)]
    longest = max(image.shape[:2])
    while longest > LONGEST:
        scaled, scale = shrink(image, longest)
        for tile, left, top in _tiles(scaled):
            found = detector.detect(tile)
            # Where a tile cuts a face, the box is wrong; a neighboring tile or the next scale has it whole.
            whole = ~_is_cut(found.boxes, tile.shape, left, top, scaled.shape)
            boxes = found.boxes[whole] + np.array([left, top, left, top], np.float32)
            parts.append(Detections(((boxes + 0.5) / scale - 0.5).astype(np.float32), found.scores[whole]))
        longest //= 2
    return merge(parts)


def merge(parts: Sequence[Detections]) -> Detections:
    """Join the detections of several passes over one picture; of boxes on one face the best score stays."""
    boxes = np.concatenate([part.boxes for part in parts]).reshape(-1, 4)
    scores = np.concatenate([part.scores for part in parts])
    kept = suppress_overlaps(boxes, scores, SAME_FACE, one_face)
    return Detections(boxes[kept], scores[kept])


def _rotated_back(boxes: NDArray, degrees: float, shape: Sequence[int]) -> NDArray[np.float32]:
    """Boxes (N, 4) on a copy that was rotated clockwise, in the frame of the picture of that shape."""
    height, width = shape[:2]
    matrix = {
        90.0: [[0, 1, 0], [-1, 0, height - 1], [0, 0, 1]],
        180.0: [[-1, 0, width - 1], [0, -1, height - 1], [0, 0, 1]],
        270.0: [[0, -1, width - 1], [1, 0, 0], [0, 0, 1]],
    }[degrees]
    corners = transform_points(matrix, boxes.reshape(-1, 2, 2))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)


def _tiles(image: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], int, int]]:
    """Overlapping tiles of at most `LONGEST` pixels a side, each with its left and top."""
    height, width = image.shape[:2]
    for top in _starts(height):
        for left in _starts(width):
            yield np.ascontiguousarray(image[top : top + LONGEST, left : left + LONGEST]), left, top


def _starts(length: int) -> list[int]:
    """Where tiles begin along a side, evenly spread."""
    if length <= LONGEST:
        return [0]
    count = int(np.ceil((length - _TILE_OVERLAP) / (LONGEST - _TILE_OVERLAP)))
    return np.linspace(0, length - LONGEST, count).astype(int).tolist()


def _is_cut(
    boxes: NDArray, tile: Sequence[int], left: int, top: int, whole: Sequence[int]
) -> NDArray[np.bool_]:
    """Which boxes (N, 4) reach an edge of a tile that is not an edge of the whole picture."""
    inner = np.array([left > 0, top > 0, left + tile[1] < whole[1], top + tile[0] < whole[0]])
    reached = np.concatenate([boxes[:, :2] < 1, boxes[:, 2:] > np.array([tile[1], tile[0]]) - 2], axis=1)
    return (reached & inner).any(axis=1)
