"""Landmarks drawn over a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fkp.geometry import box_diagonal, points_box
from fkp.head_model import rotations
from fkp.runtime.face import Face
from fkp.schemes import get_scheme

Color = tuple[int, int, int]

# The palette of Okabe and Ito (2008), which people with any color vision can tell apart.
REGION_COLORS: Mapping[str, Color] = {
    "jaw": (86, 180, 233),
    "right_brow": (240, 228, 66),
    "left_brow": (230, 159, 0),
    "nose": (0, 158, 115),
    "right_eye": (0, 114, 178),
    "left_eye": (204, 121, 167),
    "mouth": (213, 94, 0),
}
# Of the same palette.
AXIS_COLORS: Mapping[str, Color] = {"left": (213, 94, 0), "up": (0, 158, 115), "ahead": (0, 114, 178)}
_WHITE: Color = (255, 255, 255)
_DOUBT: Color = (255, 140, 0)
_VISIBLE = 0.5  # probability from which a point counts as visible
_COARSE = 400  # pixels: faces smaller than half of this are drawn enlarged
_FINEST = 6
_BORDER = 20  # pixels around a small face that its lines and numbers may reach
_THINNEST = 0.6  # pixels
_SHIFT = 4  # bits of a coordinate's fraction that cv2 draws with


@dataclass(frozen=True, slots=True)
class Style:
    """What is drawn.

    Attributes:
        points: a dot for every landmark, a ring for one that is more likely hidden than visible.
        outlines: lines that connect the landmarks of a region.
        indices: the number of every landmark.
        box: the face box in which the landmarks were predicted.
        confidence: dots colored by their score, from dark violet (0) to yellow (1).
        pose: three axes of the head from the nose tip: to the subject's left, up, and ahead.
    """

    points: bool = True
    outlines: bool = True
    indices: bool = False
    box: bool = False
    confidence: bool = False
    pose: bool = False


def draw(image: NDArray[np.uint8], faces: Sequence[Face], style: Style = Style()) -> NDArray[np.uint8]:
    """A copy of an RGB uint8 picture (H, W, 3) with its faces drawn in; lines grow with the face."""
    canvas = np.ascontiguousarray(image).copy()
    for face in faces:
        _draw_face(canvas, face, style)
    return canvas


def _draw_face(canvas: NDArray[np.uint8], face: Face, style: Style) -> None:
    fine = int(np.clip(_COARSE / _size(face), 1, _FINEST))
    if fine == 1:
        _paint(canvas, face, style, fine)
        return
    # A small face needs lines thinner than a pixel: it is drawn on its enlarged part of the picture.
    # Enlarging by whole pixels and averaging them again changes nothing that was not drawn on.
    corners = face.box.reshape(2, 2)
    extent = points_box(np.concatenate([face.points, corners])).clip(-1e6, 1e6)
    x0, y0 = np.floor(extent[:2] - _BORDER).astype(int).clip(min=0)
    x1, y1 = np.ceil(extent[2:] + _BORDER).astype(int).clip(min=0)
    part = canvas[y0:y1, x0:x1]
    if not part.size:
        return
    enlarged = part.repeat(fine, axis=0).repeat(fine, axis=1)
    points, corners = ((p - (x0, y0) + 0.5) * fine - 0.5 for p in (face.points, corners))
    _paint(enlarged, replace(face, points=points, box=corners.reshape(4)), style, fine)
    part[:] = cv2.resize(enlarged, part.shape[1::-1], interpolation=cv2.INTER_AREA)


def _size(face: Face) -> float:
    """What lines and dots grow with, in pixels: about the diagonal of the face."""
    return max(float(box_diagonal(points_box(face.points))), float(box_diagonal(face.box)) / 2, 1.0)


def _paint(canvas: NDArray[np.uint8], face: Face, style: Style, fine: int) -> None:
    """Draw a face on a canvas of which `fine` pixels in a row become one of the picture."""
    scheme, points, size = get_scheme(face.scheme), face.points, _size(face)
    width = round(max(_THINNEST * fine, size / 300, 1))
    # A single point has to be conspicuous by itself.
    radius = max(_THINNEST * fine, size / (160 if len(points) > 1 else 30))
    if face.reliable is False:  # whatever the style: its points must not look like others
        corners = face.box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
        _line(canvas, corners, _DOUBT, 2 * width, closed=True)
        _number(canvas, corners[0], "not reliable", size)
    if style.box:
        _line(canvas, face.box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2), _WHITE, width, closed=True)
    if style.outlines:
        for outline in scheme.outlines:
            color = REGION_COLORS[outline.region]
            _line(canvas, points[list(outline.points)], color, width, outline.closed)
    if style.pose:
        _axes(canvas, face, size / 4, 2 * width)
    shades = _shades(face.scores) if style.confidence else None
    for index, point in enumerate(points):
        color = REGION_COLORS[scheme.region_of[index]] if shades is None else shades[index]
        if style.points:
            hidden = face.visible is not None and face.visible[index] < _VISIBLE
            (_ring if hidden else _dot)(canvas, point, color, radius)
        if style.indices:
            _number(canvas, point, index, size)


def _fixed(points: ArrayLike) -> NDArray[np.int32]:
    """Coordinates as cv2 takes them with `shift`; far ones are held back from overflowing."""
    scaled = np.asarray(points, np.float64).clip(-1e6, 1e6) * (1 << _SHIFT)
    return np.round(scaled).astype(np.int32)


def _line(canvas: NDArray[np.uint8], points: ArrayLike, color: Color, width: int, closed: bool) -> None:
    cv2.polylines(canvas, [_fixed(points)], closed, color, width, cv2.LINE_AA, _SHIFT)


def _axes(canvas: NDArray[np.uint8], face: Face, length: float, width: int) -> None:
    """The axes of a head whose pose is known; seen from the front, the one ahead is a dot."""
    pose = face.pose
    if pose is None:
        return
    x, y, z = rotations(np.radians([[pose.yaw, pose.pitch, pose.roll]]))[0, :2].T
    nose = face.points[get_scheme(face.scheme).nose_tip]
    for name, axis in (("left", x), ("up", -y), ("ahead", z)):
        _line(canvas, [nose, nose + length * axis], AXIS_COLORS[name], width, closed=False)


def _dot(canvas: NDArray[np.uint8], point: NDArray, color: Color, radius: float) -> None:
    x, y = _fixed(point).tolist()
    if radius >= 2:
        cv2.circle(canvas, (x, y), int(radius * 1.4 * (1 << _SHIFT)), _WHITE, -1, cv2.LINE_AA, _SHIFT)
    cv2.circle(canvas, (x, y), int(radius * (1 << _SHIFT)), color, -1, cv2.LINE_AA, _SHIFT)


def _ring(canvas: NDArray[np.uint8], point: NDArray, color: Color, radius: float) -> None:
    x, y = _fixed(point).tolist()
    width = max(1, round(radius / 2))
    cv2.circle(canvas, (x, y), int(radius * 1.4 * (1 << _SHIFT)), color, width, cv2.LINE_AA, _SHIFT)


def _number(canvas: NDArray[np.uint8], point: NDArray, text: object, size: float) -> None:
    scale = max(0.25, size / 1200)
    x, y = np.round(point.clip(-1e6, 1e6) + size / 100).astype(int).tolist()
    for color, width in (((0, 0, 0), 3), (_WHITE, 1)):
        thickness = max(1, round(width * scale))
        cv2.putText(canvas, str(text), (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, color, thickness, cv2.LINE_AA)


def _shades(scores: NDArray[np.float32]) -> list[Color]:
    """A color of the viridis scale for each score in [0, 1]."""
    levels = np.round(scores.clip(0, 1) * 255).astype(np.uint8)[None]
    blue_green_red = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[0]
    return [(int(r), int(g), int(b)) for b, g, r in blue_green_red]
