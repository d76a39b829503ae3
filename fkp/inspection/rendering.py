"""Arrays as pictures: filters, feature maps, softmax maps, and shapes of faces without any face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from fkp.inspection.feature_maps import Inside, Layer
from fkp.schemes import get_scheme
from fkp.shapes import ShapeModel

Picture = NDArray[np.uint8]
Color = tuple[int, int, int]

BLUE: Color = (0, 114, 178)  # of the palette of Okabe and Ito, as in the overlays
ORANGE: Color = (213, 94, 0)
GRAY: Color = (170, 170, 170)

_TILE = 96  # pixels
_FILTER = 64
_MOST_FILTERS = 64
_MOST_MAPS = 32
_FINE = 3  # shapes are drawn this much larger, then averaged
_STRIP = 22  # pixels of a caption
_DEVIATIONS = 2.5  # how far a mode's picture goes from the mean


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """One shape to draw: its points (K, 2) in the unit frame, or a cloud of them, and a color."""

    points: ArrayLike
    color: Color
    outlines: bool = True


def filters_picture(inside: Inside) -> Picture:
    """The filters of the first layer, each over its own range; the gray of the middle is a weight of zero.

    Color filters are shown as colors, others by their first channel.
    """
    weights = inside.filters[:_MOST_FILTERS].transpose(0, 2, 3, 1)
    weights = weights if weights.shape[-1] == 3 else weights[..., :1].repeat(3, axis=-1)
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    levels = np.round(127.5 + 127.5 * weights / np.maximum(largest, 1e-12)).astype(np.uint8)
    return grid([_enlarge(level, _FILTER) for level in levels], _columns(len(levels)), gap=6)


def layer_picture(layer: Layer) -> Picture:
    """The first feature maps of a layer."""
    return mosaic(layer.maps[:_MOST_MAPS], _TILE)


def layer_caption(layer: Layer) -> str:
    """What `layer_picture` shows, in words."""
    channels, height, width = layer.maps.shape
    shown = f"{min(channels, _MOST_MAPS)} of {channels}" if channels > _MOST_MAPS else f"{channels}"
    return f"{layer.title}: {shown} maps of {width} x {height}"


def maps_picture(maps: NDArray[np.float32]) -> Picture:
    """Every point's softmax map (K, h, w); square roots of the probabilities, to show uncertainty."""
    return mosaic(np.sqrt(maps), _TILE)


def maps_over(crop: Picture, maps: NDArray[np.float32]) -> Picture:
    """All softmax maps (K, h, w) as light over their crop (H, W, 3), darkened."""
    light = np.sqrt(maps / maps.max(axis=(1, 2), keepdims=True)).max(axis=0)
    light = cv2.resize(light, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    heat = cv2.applyColorMap((light * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    return (crop * (1 - light) * 0.5 + heat * light).round().astype(np.uint8)


def modes_picture(model: ShapeModel, scheme: str, side: int = 160) -> Picture:
    """Each mode of a shape model on both sides of the mean, with its share of the variance."""
    tiles = []
    for number, (mode, variance, share) in enumerate(
        zip(model.modes, model.variances, model.shares, strict=True), 1
    ):
        step = _DEVIATIONS * variance**0.5 * mode
        sketches = [
            Sketch(model.mean, GRAY),
            Sketch(model.mean - step, BLUE),
            Sketch(model.mean + step, ORANGE),
        ]
        tiles.append(captioned(sketch(sketches, scheme, (side, side)), f"{number}: {share:.1%}"))
    return grid(tiles, min(len(tiles), 6))


def sketch(sketches: Iterable[Sketch], scheme: str, size: tuple[int, int]) -> Picture:
    """Shapes drawn on white, a picture of `size` (H, W); later ones over earlier ones."""
    height, width = size
    canvas = Image.new("RGB", (width * _FINE, height * _FINE), "white")
    pen = ImageDraw.Draw(canvas)
    radius = max(2.0, height / 110) * _FINE / 2
    for item in sketches:
        points = np.asarray(item.points, np.float64) * canvas.size
        if item.outlines:
            for outline in get_scheme(scheme).outlines:
                line = [tuple(points[i]) for i in outline.points]
                pen.line(line + line[:1] * outline.closed, fill=item.color, width=_FINE)
        for x, y in points:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=item.color)
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX))


def captioned(picture: Picture, text: str) -> Picture:
    """A picture with a line of text over it."""
    strip = Image.new("RGB", (picture.shape[1], _STRIP), "white")
    font = ImageFont.load_default(size=13)
    ImageDraw.Draw(strip).text((picture.shape[1] / 2, _STRIP / 2), text, "black", font, anchor="mm")
    return np.concatenate([np.asarray(strip), picture])


def grid(tiles: Sequence[Picture], columns: int, gap: int = 4, background: int = 255) -> Picture:
    """Pictures of one size in rows."""
    height, width = tiles[0].shape[:2]
    rows, columns = -(-len(tiles) // columns), min(columns, len(tiles))
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    canvas = np.full(shape, background, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        canvas[top : top + height, left : left + width] = tile
    return canvas


def mosaic(tiles: NDArray[np.floating], tile_side: int) -> Picture:
    """Arrays side by side, each from its own darkest to its own brightest value.

    Args:
        tiles: (N, H, W).
        tile_side: height and width of a tile in the result, in pixels; enlarged without blurring.

    Returns:
        RGB uint8, in the viridis scale.
    """
    return grid([_level(tile, tile_side) for tile in tiles], _columns(len(tiles)), gap=2, background=128)


def _columns(tiles: int) -> int:
    """As many in a row as leave no gap in the last one."""
    return next((width for width in range(8, 3, -1) if tiles % width == 0), 8)


def _level(tile: NDArray[np.floating], side: int) -> Picture:
    low, high = float(tile.min()), float(tile.max())
    level = _enlarge(((tile - low) * (255 / ((high - low) or 1))).astype(np.uint8), side)
    return np.asarray(cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS)[..., ::-1], np.uint8)


def _enlarge(tile: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(tile, (side, side), interpolation=cv2.INTER_NEAREST), np.uint8)


def save_png(picture: Picture, path: Path, colors: int | None = None) -> Path:
    """Write a picture; with `colors`, as a palette of so many, which keeps drawings small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture)
    (image.quantize(colors, dither=Image.Dither.NONE) if colors else image).save(path, optimize=True)
    return path
