"""Face boxes, and the one transform from a face box to the crop that a network sees.

Frames and conventions, used everywhere:
- image frame: pixels, x to the right, y down, the center of the first pixel at (0, 0);
- crop frame: the same, in the pixels of a crop of size (H, W);
- unit frame: u = (x + 0.5) / W and v = (y + 0.5) / H of the crop, what networks put out;
- a box is (x0, y0, x1, y1) in the image frame; the canonical face box is the tight box of the
  landmarks;
- a transform is a (3, 3) float64 matrix that acts on column vectors (x, y, 1).

Functions that run for every face compute with plain numbers: NumPy calls on a few of them would add up to a
tenth of the time of a small network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

# A crop that shrinks is sampled on a finer grid and averaged, of at most so many pixels.
_MAX_SUPERSAMPLED_SIDE = 2048
# Longer sides do not fit OpenCV's tables.
_MAX_WARPED_SIDE = 32_000

# Share of the smaller of two boxes that overlaps, from which the one with the lower score is inside of the
# other's face; IoU from which both are boxes of the same face.
_INSIDE, _AGREE = 0.5, 0.6
# Sides of two boxes: below this share, the smaller one is another face. In 364 photos, the detector took no
# part of a face that small for a face.
_NESTED = 1 / 3
_SAMPLING, _BORDER = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE


def points_box(points: ArrayLike) -> Array:
    """Tight boxes of landmarks: (..., K, 2) -> (..., 4)."""
    points = np.asarray(points, np.float64)
    return np.concatenate([points.min(axis=-2), points.max(axis=-2)], axis=-1)


def annotated_box(points: ArrayLike) -> Array:
    """Tight box of the landmarks of one face that are annotated, (K, 2) with NaN where one is not -> (4,)."""
    points = np.asarray(points, np.float64)
    return points_box(points[np.isfinite(points).all(axis=-1)])


def box_diagonal(boxes: ArrayLike) -> Array:
    """Length of the diagonal of each box: (..., 4) -> (...)."""
    boxes = np.asarray(boxes, np.float64)
    return np.hypot(boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1])


def box_iou(a: ArrayLike, b: ArrayLike) -> Array:
    """Intersection over union of every box of `a` with every box of `b`: (N, 4), (M, 4) -> (N, M)."""
    intersection, area_a, area_b = _intersections(a, b)
    return intersection / np.maximum(area_a + area_b - intersection, 1e-12)


def one_face(a: ArrayLike, b: ArrayLike) -> Array:
    """Evidence that boxes are of one face: intersection over the smaller box, (N, 4), (M, 4) -> (N, M).

    0 where a side of one box is less than a third of the other's: that is a small face before a large one.
    """
    intersection, area_a, area_b = _intersections(a, b)
    smaller, larger = np.minimum(area_a, area_b), np.maximum(area_a, area_b)
    return np.where(smaller < _NESTED**2 * larger, 0, intersection / np.maximum(smaller, 1e-12))


def _intersections(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array, Array]:
    """Areas of the intersections (N, M), of the boxes of `a` (N, 1) and of those of `b` (1, M)."""
    a = np.asarray(a, np.float64).reshape(-1, 1, 4)
    b = np.asarray(b, np.float64).reshape(1, -1, 4)
    overlap = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    areas = [(box[..., 2:] - box[..., :2]).clip(min=0).prod(axis=-1) for box in (a, b)]
    return overlap.clip(min=0).prod(axis=-1), areas[0], areas[1]


def suppress_overlaps(
    boxes: NDArray, scores: NDArray, overlap: float, measure: Callable[..., NDArray] = box_iou
) -> list[int]:
    """Indices of the boxes (N, 4), by falling score, that overlap no better one by more than `overlap`."""
    kept: list[int] = []
    left = np.argsort(-scores, kind="stable")
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[measure(boxes[best], boxes[left])[0] <= overlap]
    return kept


def merge_boxes(boxes: Array, scores: Array, threshold: float) -> tuple[Array, Array]:
    """From the boxes of a face detector's cells to faces.

    Each face is the mean of the boxes that agree on it, weighted by their scores, which wobbles less than
    the one with the highest score alone.

    Args:
        boxes: (A, 4) of all cells.
        scores: (A,).
        threshold: score from which a cell counts.

    Returns:
        boxes (N, 4) and scores (N,) of the faces, by falling score.
    """
    sure = scores >= threshold
    boxes, scores = boxes[sure], scores[sure]
    kept = suppress_overlaps(boxes, scores, _INSIDE, one_face)
    weights = np.where(box_iou(boxes[kept], boxes) >= _AGREE, scores, 0)
    return weights @ boxes / weights.sum(axis=1, keepdims=True), scores[kept]


@dataclass(frozen=True, slots=True)
class BoxMap:
    """A fitted linear map from one source's face boxes to canonical boxes.

    Each side moves by a fraction of the box: x0' = x0 + left * w, y0' = y0 + top * h,
    x1' = x1 + right * w, y1' = y1 + bottom * h.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    def __call__(self, boxes: ArrayLike) -> Array:
        """Canonical boxes for the source's boxes: (N, 4) -> (N, 4)."""
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        size = boxes[:, 2:] - boxes[:, :2]
        shift = np.array([self.left, self.top, self.right, self.bottom])
        return boxes + np.concatenate([size, size], axis=1) * shift

    @classmethod
    def fit(cls, boxes: ArrayLike, canonical: ArrayLike) -> BoxMap:
        """The map whose sides have the median offset between paired boxes, (N, 4) each."""
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        offsets = (np.asarray(canonical, np.float64).reshape(-1, 4) - boxes) / size
        return cls(*(round(float(v), 4) for v in np.median(offsets, axis=0)))


def crop_transform(box: ArrayLike, size: tuple[int, int], margin: float = 1.0, angle: float = 0.0) -> Array:
    """The transform from the image frame to the frame of the crop around a face box.

    The square around the box's center with side = longer side x margin, rotated by `angle`, fills
    the crop; where the crop is not square, it fills the shorter side and the longer one shows more.

    Args:
        box: (4,) in the image frame.
        size: (H, W) of the crop in pixels.
        margin: side of the square over the longer side of the box.
        angle: degrees by which the face is tilted in the picture, clockwise as seen; the crop
            shows it upright.

    Returns:
        (3, 3) matrix, image frame -> crop frame: rotation, uniform scale and shift.

    Raises:
        ValueError: the box is not four finite numbers with x1 > x0 and y1 > y0.
    """
    x0, y0, x1, y1 = check_box(box).tolist()
    height, width = size
    scale = min(height, width) / (max(x1 - x0, y1 - y0) * margin)
    cos, sin = math.cos(math.radians(angle)) * scale, math.sin(math.radians(angle)) * scale
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    u, v = (width - 1) / 2, (height - 1) / 2
    return np.array(
        [[cos, sin, u - cos * cx - sin * cy], [-sin, cos, v + sin * cx - cos * cy], [0, 0, 1]], np.float64
    )


def level_box(points: ArrayLike, angle: float) -> Array:
    """The face box around which `crop_transform` at this angle frames the leveled landmarks tightly.

    The tight box of a tilted face is larger than the face; this one is as large as that of the face
    held upright, around the same center.

    Args:
        points: (K, 2) in the image frame.
        angle: degrees by which the face is tilted, as for `crop_transform`.

    Returns:
        (4,) in the image frame; the tight box of the points where the angle is 0.
    """
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    level = np.array([[cos, sin], [-sin, cos]])
    box = points_box(np.asarray(points, np.float64) @ level.T)
    center = (box[:2] + box[2:]) / 2 @ level
    half = (box[2:] - box[:2]) / 2
    return np.concatenate([center - half, center + half])


def check_box(box: ArrayLike) -> Array:
    """`box` as a (4,) float64 array.

    Raises:
        ValueError: it is not four finite numbers with x1 > x0 and y1 > y0.
    """
    array = np.asarray(box, np.float64)
    numbers = array.tolist()
    if array.shape != (4,) or not all(map(math.isfinite, numbers)):
        raise ValueError(f"a face box is four finite numbers (x0, y0, x1, y1), not {box!r}")
    if numbers[2] <= numbers[0] or numbers[3] <= numbers[1]:
        raise ValueError(f"a face box needs x1 > x0 and y1 > y0, not {numbers}")
    return array


def transform_points(matrix: ArrayLike, points: ArrayLike) -> Array:
    """Points (..., 2) moved by a (3, 3) transform, perspective included."""
    matrix = np.asarray(matrix, np.float64)
    points = np.asarray(points, np.float64)
    moved = points @ matrix[:2, :2].T + matrix[:2, 2]
    if _is_affine(matrix):
        return moved
    return moved / (points @ matrix[2, :2] + matrix[2, 2])[..., None]


def invert(matrix: ArrayLike) -> Array:
    """The inverse (3, 3) transform.

    Raises:
        numpy.linalg.LinAlgError: there is none.
    """
    matrix = np.asarray(matrix, np.float64)
    (a, b, x), (c, d, y), last = matrix.tolist()
    area = a * d - b * c
    if last != [0, 0, 1] or area == 0:
        return np.linalg.inv(matrix)
    a, b, c, d = d / area, -b / area, -c / area, a / area
    return np.array([[a, b, -a * x - b * y], [c, d, -c * x - d * y], last])


def _is_affine(matrix: Array) -> bool:
    return matrix[2].tolist() == [0, 0, 1]


def warp(image: NDArray[np.uint8], matrix: ArrayLike, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture moved by a transform in one step; outside of it, its border is repeated.

    Where the transform shrinks, the crop is sampled on a whole multiple of its grid and averaged
    (an area filter), so that a large picture leaves no aliasing.

    Args:
        image: (H, W, 3) or (H, W), uint8.
        matrix: (3, 3), image frame -> crop frame.
        size: (H, W) of the result.
    """
    transform: Array = np.asarray(matrix, np.float64)
    if max(image.shape[:2]) > _MAX_WARPED_SIDE:
        image, transform = _cut_out(image, transform, size)
    height, width = size
    (a, b), (c, d) = transform[:2, :2].tolist()
    shrink = 1 / max(math.sqrt(abs(a * d - b * c)), 1e-9)
    factor = min(max(round(shrink), 1), max(1, _MAX_SUPERSAMPLED_SIDE // max(size)))
    if factor > 1:
        half = (factor - 1) / 2
        transform = np.array([[factor, 0, half], [0, factor, half], [0, 0, 1]]) @ transform
    dsize = (width * factor, height * factor)
    if _is_affine(transform):
        out = cv2.warpAffine(image, transform[:2], dsize, flags=_SAMPLING, borderMode=_BORDER)
    else:
        out = cv2.warpPerspective(image, transform, dsize, flags=_SAMPLING, borderMode=_BORDER)
    if factor > 1:
        out = cv2.resize(out, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(out, np.uint8)


def _cut_out(
    image: NDArray[np.uint8], transform: Array, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], Array]:
    """The part of a very long picture that a crop shows, and the transform from that part.

    A part that is still too long is shrunk.
    """
    height, width = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) - 0.5
    seen = transform_points(invert(transform), corners)
    longest = np.array(image.shape[1::-1])
    x0, y0 = np.clip(np.floor(seen.min(axis=0)) - 2, 0, longest - 1).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(seen.max(axis=0)) + 3, 1, longest).astype(int).tolist()
    part = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    moved = transform @ np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1]], np.float64)
    if (scale := _MAX_WARPED_SIDE / max(part.shape[:2])) < 1:
        before = part.shape[1::-1]
        small = (max(1, int(before[0] * scale)), max(1, int(before[1] * scale)))
        part = np.asarray(cv2.resize(part, small, interpolation=cv2.INTER_AREA), np.uint8)
        moved = moved @ invert(unit_transform(before[::-1])) @ unit_transform(small[::-1])
    return part, moved


def unit_transform(size: tuple[int, int]) -> Array:
    """The (3, 3) transform from the crop frame to the unit frame, for a crop of size (H, W)."""
    height, width = size
    return np.array([[1 / width, 0, 0.5 / width], [0, 1 / height, 0.5 / height], [0, 0, 1]], np.float64)


def to_unit(points: ArrayLike, size: tuple[int, int]) -> Array:
    """Crop frame -> unit frame, for a crop of size (H, W): (..., 2) -> (..., 2)."""
    return transform_points(unit_transform(size), points)


def from_unit(points: ArrayLike, size: tuple[int, int]) -> Array:
    """Unit frame -> crop frame, for a crop of size (H, W): (..., 2) -> (..., 2)."""
    return transform_points(invert(unit_transform(size)), points)


def mirror_transform(width: int) -> Array:
    """The (3, 3) transform of a picture's mirror image: x' = width - 1 - x."""
    return np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], np.float64)


def mirror_points(points: ArrayLike, width: int, order: Sequence[int]) -> Array:
    """Landmarks of the mirrored picture: moved, and re-ordered by the scheme's mirror order.

    Args:
        points: (..., K, 2) in a picture `width` pixels wide.
        order: the scheme's `mirror`. Leaving it out is the mistake that teaches a network a
            blurred average of left and right.
    """
    return transform_points(mirror_transform(width), points)[..., list(order), :]
