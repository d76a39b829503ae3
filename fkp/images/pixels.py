"""Pixels of every kind as 8-bit RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_DEPTHS = (8, 10, 12, 16)  # bits that cameras and scanners use of 16
_BITS_PER_SAMPLE = 258  # a TIFF tag


def to_rgb(image: Image.Image, data: bytes) -> Image.Image:
    """A decoded picture in mode RGB.

    Args:
        image: of any mode.
        data: its file.
    """
    if image.mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(image, np.uint16))).convert("RGB")
    if image.mode in ("I", "F"):
        return Image.fromarray(_stretched(np.asarray(image, np.float64))).convert("RGB")
    if image.mode in ("RGB", "RGBA") and _has_wide_samples(image, data):
        # Pillow keeps the upper 8 of 16 bits, which are all zero where 10 are used.
        wide = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if wide is not None and wide.dtype == np.uint16 and wide.shape[:2] == image.size[::-1]:
            image = Image.fromarray(_scaled_color(np.asarray(wide, np.uint16)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _has_wide_samples(image: Image.Image, data: bytes) -> bool:
    """Whether the file has 16 bits a sample."""
    if image.format == "PNG":
        return data[24] == 16
    return image.format == "TIFF" and 16 in getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())


def _scaled(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Integers scaled by the fewest usual bits that hold the largest."""
    depth = next(bits for bits in _DEPTHS if int(values.max()) < 1 << bits)
    return np.round(values * (255 / ((1 << depth) - 1))).astype(np.uint8)


def _scaled_color(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """As `_scaled`, of (H, W, 3) BGR or (H, W, 4) BGRA; alpha always has 16 bits."""
    color = _scaled(values[..., 2::-1])
    if values.shape[2] == 3:
        return color
    return np.dstack([color, (values[..., 3] / 257).round().astype(np.uint8)])


def _stretched(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Wide integers and floats declare no full scale: the range of the finite values is all there is.

    What is not a number becomes black; infinities the darkest and the lightest.
    """
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    known = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return np.round((known - low) * (255 / ((high - low) or 1))).astype(np.uint8)
