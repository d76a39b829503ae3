"""Pictures in: whatever a camera, a scanner or a web page made, as RGB uint8."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from fkp.errors import ImageError

MAX_PIXELS = 50_000_000

# The formats pictures of people come in. Others stay shut: some of Pillow's readers start programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")


def load_image(source: str | Path | bytes | BinaryIO, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A picture as contiguous RGB uint8 (H, W, 3), turned as its EXIF data says.

    Transparent parts become white, 16 bits are scaled to 8, of an animation the first frame counts.

    Args:
        source: a path, the bytes of a file, or an open binary file.
        max_pixels: larger pictures are refused from their header, before they are decoded.

    Raises:
        ImageError: missing, a folder, not a picture, damaged, or too large.
    """
    name = _name(source)
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        with Image.open(file, formats=FORMATS) as image:
            _check_size(image, name, max_pixels)
            image.load()
            return _to_rgb(_upright(image))
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder, not a picture") from None
    except PermissionError:
        raise ImageError(f"{name} may not be read") from None
    except Image.UnidentifiedImageError:
        raise ImageError(f"{name} is not a picture that can be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"{name} is too large: at most {max_pixels / 1e6:g} megapixels") from None
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise ImageError(f"{name} is damaged: {error}") from error


def _name(source: str | Path | bytes | BinaryIO) -> str:
    if isinstance(source, str | Path):
        return str(source)
    return str(getattr(source, "name", "the picture"))


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageError(f"{name} is empty: {width} x {height} pixels")
    if width * height > max_pixels:
        most = f"at most {max_pixels / 1e6:g} megapixels"
        raise ImageError(f"{name} is too large: {width} x {height} pixels, {most}")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken EXIF block does not spoil the picture
        return image


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        return _gray(np.asarray(image, np.float64) / 257)
    if image.mode in ("I", "F"):
        # Wide integers and floats declare no full scale: the picture's own range is all there is.
        values = np.nan_to_num(np.asarray(image, np.float64))
        low, high = float(values.min()), float(values.max())
        return _gray((values - low) * (255 / ((high - low) or 1)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def _gray(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.repeat(np.round(values).astype(np.uint8)[..., None], 3, axis=2)
