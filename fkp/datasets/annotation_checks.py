"""Checks of a picture and of its annotated points, for all readers.

A check raises ValueError with the problem in words; the reader adds the file and the line (`located`).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import ExifTags, Image

from fkp.images import FORMATS

# A landmark or a box side may be outside of its picture (a face at the border), but not further
# than this many times the picture's size.
_MAX_OUTSIDE = 1.0

_FACE_OF_PHOTO = re.compile(r"(.*\d)_\d+")


def picture_inside(folder: Path, name: str) -> Path:
    """The existing file `name` of a data set's folder, refused where it lies outside of the folder."""
    if not name:
        raise ValueError("no picture is named")
    path = folder / name
    try:
        if Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"the picture {name!r} is outside of the data set's folder")
        if not path.is_file():
            raise ValueError(f"the picture {name!r} is missing")
    except (OSError, RuntimeError) as error:  # a name that is too long, links that go in circles
        raise ValueError(f"the picture {name!r} cannot be found: {error}") from error
    return path


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels, from the file's header alone.

    A picture that its EXIF data rotates is refused: its points may be of either frame.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            rotated = "exif" in image.info and image.getexif().get(ExifTags.Base.Orientation, 1) > 1
            size = image.size
    except Exception as error:  # readers of damaged headers raise nearly anything
        raise ValueError(f"the picture {path.name!r} cannot be read: {error}") from error
    if rotated:
        raise ValueError(f"the picture {path.name!r} is rotated by its EXIF data; save it upright")
    return size


def check_points(points: ArrayLike, count: int, size: tuple[int, int]) -> NDArray:
    """`points` as a (count, 2) float64 array, all finite and not absurdly far outside the picture."""
    array = check_shape(points, count)
    if not np.isfinite(array).all():
        raise ValueError("a coordinate is not a finite number")
    check_near(array, size, "a point")
    if (np.ptp(array, axis=0) <= 0).any():
        raise ValueError("the points span no area")
    return array


def check_partial(points: ArrayLike, count: int, size: tuple[int, int]) -> NDArray:
    """As `check_points`, of points of which some are not annotated: both of their coordinates are NaN."""
    array = check_shape(points, count)
    annotated = ~np.isnan(array).all(axis=1)
    if annotated.sum() < 2:
        raise ValueError("fewer than two points are annotated")
    check_points(array[annotated], int(annotated.sum()), size)
    return array


def check_shape(points: ArrayLike, count: int) -> NDArray:
    """`points` as a (count, 2) float64 array."""
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{count} points of x and y are wanted, not numbers of the shape {array.shape}")
    if len(array) != count:
        raise ValueError(f"{count} points are wanted, not {len(array)}")
    return array


def check_near(points: NDArray, size: tuple[int, int], what: str) -> None:
    """Refuse points (N, 2) that are absurdly far outside of a picture of (width, height)."""
    share = points / size
    if share.min() < -_MAX_OUTSIDE or share.max() > 1 + _MAX_OUTSIDE:
        width, height = size
        raise ValueError(f"{what} is more than a picture's size away from the {width}x{height} picture")


def photo(name: str) -> str:
    """The photo that a picture was cut from: `afw/111076519_2.jpg` -> `afw/111076519`.

    A number after a number counts the photo's faces; LFPW's `image_0735` is a photo of its own.
    """
    stem = name.rpartition(".")[0] or name
    match = _FACE_OF_PHOTO.fullmatch(stem)
    return match[1] if match else stem
