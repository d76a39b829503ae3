"""load_image and load_picture: a file becomes an array, or one sentence says why it cannot."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from fkp.errors import ImageError
from fkp.images import jpeg, png
from fkp.images.pixels import to_rgb

MAX_PIXELS = 120_000_000
MAX_JPEG_PIXELS = 200_000_000  # of a baseline JPEG, which can be decoded at a half, a quarter or an eighth
MAX_BYTES = 1 << 30

# The formats pictures of people come in. Others are not opened: some of Pillow's readers start programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")

_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")

# The operation that makes a stored picture upright, by its EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture, perhaps decoded smaller than it is.

    Attributes:
        image: RGB uint8 (H / reduction, W / reduction, 3), rounded up.
        size: (H, W) of the whole upright picture in pixels.
        reduction: 1, 2, 4 or 8.
    """

    image: NDArray[np.uint8]
    size: tuple[int, int]
    reduction: int


def load_image(source: str | Path | bytes | BinaryIO, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A picture as contiguous RGB uint8 (H, W, 3), upright by its EXIF orientation.

    Transparent parts become white, of an animation the first frame counts. More than 8 bits are scaled to 8:
    integers by the fewest of 8, 10, 12 or 16 bits that hold them, floats by the range of their finite values.

    Args:
        source: a path, the bytes of a file, or an open binary file.
        max_pixels: larger pictures are refused from their header, before they are decoded.

    Raises:
        ImageError: missing, not a regular file, not a picture, damaged, incomplete, too large, or so made
            that decoding would take too long.
    """
    return _load(source, max_pixels, reduce=False).image


def load_picture(source: str | Path | bytes | BinaryIO, max_pixels: int = MAX_PIXELS) -> Picture:
    """As `load_image`, but a baseline JPEG of up to 200 megapixels is decoded as much smaller as it must.

    Raises:
        ImageError: as `load_image`.
    """
    return _load(source, max_pixels, reduce=True)


def _load(source: str | Path | bytes | BinaryIO, max_pixels: int, reduce: bool) -> Picture:
    name = _name(source)
    try:
        data = _content(source, name)
        with _open(data, name) as image:
            reduction = _reduction(image, data, name, max_pixels, reduce)
            orientation = _orientation(image)
            width, height = image.size[::-1] if orientation >= 5 else image.size
            decoded = _decode(image, data, name, reduction)
        if orientation in _TURNS:
            decoded = decoded.transpose(_TURNS[orientation])
        return Picture(np.array(decoded), (height, width), reduction)
    except MemoryError:
        raise ImageError(f"{name} needs more memory than there is") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"{name} is too large: at most {max_pixels / 1e6:g} megapixels") from None
    except ImageError:
        raise
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise ImageError(f"{name} is damaged: {error}") from error


def _name(source: str | Path | bytes | BinaryIO) -> str:
    if isinstance(source, str | Path):
        return str(source)
    return str(getattr(source, "name", "the picture"))


def _content(source: str | Path | bytes | BinaryIO, name: str) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        if not isinstance(source, str | Path):
            source.seek(0)
            return source.read()
        path = Path(source)
        if path.is_dir():
            raise ImageError(f"{name} is a folder, not a picture")
        if path.exists() and not path.is_file():
            raise ImageError(f"{name} is not a regular file")
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"{name} is too large: at most {MAX_BYTES >> 20} MB")
        return path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist") from None
    except PermissionError:
        raise ImageError(f"{name} may not be read") from None
    except OSError as error:
        raise ImageError(f"{name} cannot be opened: {error.strerror}") from error


def _open(data: bytes, name: str) -> Image.Image:
    if data.startswith(jpeg.START):
        return jpeg.open_image(data)
    formats = _formats()
    try:
        with warnings.catch_warnings():  # sizes are checked here, by limits of our own
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=formats)
    except Image.UnidentifiedImageError:
        if "HEIF" not in formats and data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
            how = "`pip install pi-heif` makes them readable, or save it as JPEG"
            raise ImageError(f"{name} is a HEIC picture: {how}") from None
        raise ImageError(f"{name} is not a picture that can be read") from None


@cache
def _formats() -> tuple[str, ...]:
    """The formats that can be read here: HEIC needs a package that is not installed with this one."""
    try:
        import pi_heif
    except ImportError:
        return FORMATS
    pi_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def _reduction(image: Image.Image, data: bytes, name: str, max_pixels: int, reduce: bool) -> int:
    """The least of 1, 2, 4 and 8 at which a picture has at most `max_pixels`."""
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageError(f"{name} is empty: {width} x {height} pixels")
    most = max_pixels
    if reduce and image.format == "JPEG" and not jpeg.is_progressive(image):
        most = min(MAX_JPEG_PIXELS, max_pixels * 64)
    if width * height > most:
        raise ImageError(f"{name} is too large: {width} x {height} pixels, at most {most / 1e6:g} megapixels")
    return next(n for n in (1, 2, 4, 8) if -(-width // n) * -(-height // n) <= max_pixels or n == 8)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken EXIF block does not make the picture unreadable
        return 1


def _decode(image: Image.Image, data: bytes, name: str, reduction: int) -> Image.Image:
    """The picture in mode RGB, as it is stored."""
    if image.format == "JPEG":
        if (scans := jpeg.count_scans(data)) > jpeg.MAX_SCANS:
            raise ImageError(f"{name} has {scans:,} scans, at most {jpeg.MAX_SCANS} are decoded")
        if (decoded := jpeg.decode(data, reduction)) is None:
            raise ImageError(f"{name} is damaged: its pixels end early")
        return decoded
    image.load()
    if image.format == "PNG" and not png.is_complete(image, data):
        raise ImageError(f"{name} is damaged: its pixels end early")
    return to_rgb(image, data)
