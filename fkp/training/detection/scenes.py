"""Random scenes for the face detector: pictures at any size and tilt, alone or several in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fkp.geometry import invert, mirror_transform, points_box, transform_points
from fkp.training.augment import color_table
from fkp.training.detection.patterns import random_pattern
from fkp.training.detection.recipe import DetectorRecipe
from fkp.training.detection.sources import Picture

_SMALLEST_FACE = 14  # pixels; smaller ones are ignored in the loss
_VISIBLE, _HIDDEN = 0.6, 0.05  # shares of a box from which a face counts, and below which it is gone
_EMPTY = 0.15  # share of a mosaic's cells that stay empty
# Face-free parts: tries a picture, least side in pixels, distance from a face's box in its sides.
_TRIES, _SMALLEST_PART, _SPACE = 6, 24, 0.25
_PLAIN = 0.2  # share of plain backgrounds
_FINEST = 0.7  # pictures that shrink more are averaged first


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture to train on.

    Attributes:
        image: (side, side, 3) uint8 RGB.
        boxes: (N, 4) canonical boxes of its faces, image frame.
        ignored: (M, 4) boxes of what may be a face, image frame.
    """

    image: NDArray[np.uint8]
    boxes: NDArray
    ignored: NDArray


def random_scene(
    rng: np.random.Generator,
    pictures: Sequence[Picture],
    parts: Sequence[NDArray[np.uint8]],
    recipe: DetectorRecipe,
) -> Scene:
    """A scene of one picture, or of a mosaic of some, or without a face, before face-free `parts`."""
    side = recipe.side
    canvas = _background(rng, parts, side, recipe.patterns)
    boxes: list[NDArray] = []
    ignored: list[NDArray] = []
    rows = int(rng.choice(len(recipe.rows), p=recipe.rows))
    steps = (
        np.linspace(0, side, rows + 1) + rng.uniform(-0.2, 0.2, (2, rows + 1)) * side / max(rows, 1)
    ).astype(int)
    steps[:, [0, -1]] = 0, side
    for column, row in np.ndindex(rows, rows):
        if rows > 1 and rng.random() < _EMPTY:
            continue
        cell = (steps[0, column], steps[1, row], steps[0, column + 1], steps[1, row + 1])
        _place(rng, pictures[int(rng.integers(len(pictures)))], canvas, cell, recipe.largest, boxes, ignored)
    _cover(rng, canvas, boxes)
    smallest = min((float((box[2:] - box[:2]).max()) for box in boxes), default=float(side))
    image = _vary(rng, canvas, smallest)
    return Scene(image, np.reshape(boxes, (-1, 4)), np.reshape(ignored, (-1, 4)))


def face_free_parts(rng: np.random.Generator, pictures: Sequence[Picture]) -> list[NDArray[np.uint8]]:
    """Square parts of pictures that touch no face, sure or doubtful; a few of each picture."""
    parts = []
    for picture in pictures:
        height, width = picture.image.shape[:2]
        boxes = np.reshape([points_box(face) for face in picture.faces], (-1, 4))
        space = _SPACE * (boxes[:, 2:] - boxes[:, :2])
        for _ in range(_TRIES):
            extent = int(rng.uniform(0.12, 0.6) * min(height, width))
            x, y = rng.integers(0, width - extent), rng.integers(0, height - extent)
            apart = (boxes[:, :2] - space >= [x + extent, y + extent]) | (boxes[:, 2:] + space <= [x, y])
            if extent >= _SMALLEST_PART and apart.any(axis=1).all():
                parts.append(picture.image[y : y + extent, x : x + extent])
    return parts


def _background(
    rng: np.random.Generator, parts: Sequence[NDArray[np.uint8]], side: int, patterns: float
) -> NDArray[np.uint8]:
    """Face-free parts of pictures and drawn patterns in a grid, or a plain color."""
    if rng.random() < _PLAIN:
        return np.full((side, side, 3), rng.integers(0, 256, 3) * rng.integers(2), np.uint8)
    count = int(rng.integers(1, 6))
    step = -(-side // count)
    canvas = np.empty((step * count, step * count, 3), np.uint8)
    for row, column in np.ndindex(count, count):
        if patterns and rng.random() < patterns:
            part = random_pattern(rng, step)
        else:
            part = parts[int(rng.integers(len(parts)))][:, :: int(rng.choice([-1, 1]))]
        tile = canvas[row * step : (row + 1) * step, column * step : (column + 1) * step]
        tile[:] = cv2.resize(part, (step, step), interpolation=cv2.INTER_LINEAR)
    return canvas[:side, :side]


def _place(
    rng: np.random.Generator,
    picture: Picture,
    canvas: NDArray[np.uint8],
    cell: tuple[int, int, int, int],
    largest: float,
    boxes: list[NDArray],
    ignored: list[NDArray],
) -> None:
    """Draw a picture into a cell of the canvas, and note the places of its faces."""
    x0, y0, x1, y1 = cell
    width, height = x1 - x0, y1 - y0
    image: NDArray = picture.image
    if picture.faces:
        box = points_box(picture.faces[rng.integers(len(picture.faces))])
        anchor, size = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
    else:
        anchor, size = np.array(image.shape[1::-1]) / 2, float(min(image.shape[:2])) / 3
    wanted = np.exp(rng.uniform(np.log(16), np.log(max(20.0, largest * min(width, height)))))
    scale = wanted / max(size, 1)
    tilt = rng.uniform(-50, 50) if rng.random() < 0.4 else rng.normal(0, 8)
    rim = 0.1 + 0.3 * min(1.0, wanted / min(width, height))  # the larger, the more in the middle
    target = rng.uniform(rim, 1 - rim, 2) * (width, height)
    shrunk = np.eye(3)
    if scale < _FINEST:
        factor = max(scale, 2 / min(image.shape[:2]))
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        (height_was, width_was), (height_is, width_is) = picture.image.shape[:2], image.shape[:2]
        shrunk = np.diag([width_is / width_was, height_is / height_was, 1])
    stretch = np.exp(rng.normal(0, 0.06))
    cos, sin = np.cos(np.radians(tilt)) * scale, np.sin(np.radians(tilt)) * scale
    matrix = np.array([[cos * stretch, -sin, 0], [sin * stretch, cos, 0], [0, 0, 1]])
    matrix[:2, 2] = target - matrix[:2, :2] @ anchor
    if rng.random() < 0.5:
        matrix = mirror_transform(width) @ matrix
    border = cv2.BORDER_TRANSPARENT if rng.random() < 0.7 else cv2.BORDER_REPLICATE
    part = np.ascontiguousarray(canvas[y0:y1, x0:x1])
    cv2.warpAffine(
        image, (matrix @ invert(shrunk))[:2], (width, height), dst=part, flags=cv2.INTER_LINEAR,
        borderMode=border,
    )  # fmt: skip
    canvas[y0:y1, x0:x1] = part
    for face, sure in zip(picture.faces, picture.sure, strict=True):
        moved = points_box(transform_points(matrix, face) + np.array([x0, y0]))
        seen = np.clip(moved, [x0, y0, x0, y0], [x1, y1, x1, y1])
        visible = float((seen[2:] - seen[:2]).prod() / (moved[2:] - moved[:2]).prod().clip(min=1e-6))
        if visible < _HIDDEN:
            continue
        large = (moved[2:] - moved[:2]).max() >= _SMALLEST_FACE
        (boxes if sure and visible >= _VISIBLE and large else ignored).append(moved)


def _cover(rng: np.random.Generator, canvas: NDArray[np.uint8], boxes: list[NDArray]) -> None:
    """Hide a side of some faces behind a rectangle, as a hand, a cup or a mask does."""
    for box in boxes:
        if rng.random() > 0.15:
            continue
        size = box[2:] - box[:2]
        share = rng.uniform(0.15, 0.45)
        low, high = box[:2] - 0.15 * size, box[2:] + 0.15 * size
        axis = rng.integers(2)
        if rng.random() < 0.5:
            high[axis] = box[axis] + share * size[axis]
        else:
            low[axis] = box[2 + axis] - share * size[axis]
        (x0, y0), (x1, y1) = low.clip(0).astype(int), high.clip(0).astype(int)
        canvas[y0:y1, x0:x1] = rng.integers(0, 256, 3)


def _vary(rng: np.random.Generator, image: NDArray, smallest: float) -> NDArray:
    """Light, color, blur, noise and compression, as webcams and photos have them.

    The blur leaves the smallest face, so many pixels wide, a face.
    """
    if rng.random() < 0.2:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    table = color_table(rng, 1.0)
    if rng.random() < 0.15:
        table = (table * rng.uniform(0.12, 0.6)).astype(np.uint8)
    image = cv2.LUT(image, table)
    if rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, np.clip(0.06 * smallest, 0.5, 4)))
    if rng.random() < 0.15:
        image = (image + rng.normal(0, rng.uniform(2, 16), image.shape)).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        quality = int(rng.integers(15, 80))
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return image
