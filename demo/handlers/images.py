"""Pictures of visitors, and faces on them: shared by the tabs."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from demo.files import open_upload
from demo.handlers.requests import RequestError
from fkp.errors import ImageError
from fkp.geometry import crop_transform, transform_points, warp
from fkp.images import load_image
from fkp.letterbox import shrink
from fkp.runtime.drawing import Style, draw
from fkp.runtime.face import Face

MAX_MEGAPIXELS = 40
_SHOWN_SIDE = 1600  # pixels: larger pictures are shown smaller, the files to download are full size
_ZOOM_SIDE = 384
_ZOOM_MARGIN = 1.6


def read_picture(picture: object) -> NDArray[np.uint8]:
    """What a picture component sent, as upright RGB uint8 (H, W, 3).

    Args:
        picture: `path` of an uploaded file, or a data URL as `url`.

    Raises:
        RequestError: it is something else, or the file is gone.
        ImageError: it cannot be read; a sentence about "your file", without its path.
    """
    file = io.BytesIO(_content(picture))
    file.name = "your file"
    return load_image(file, max_pixels=MAX_MEGAPIXELS * 1_000_000)


def _content(picture: object) -> bytes:
    url = picture.get("url") if isinstance(picture, Mapping) and not picture.get("path") else None
    if isinstance(url, str) and url.startswith("data:"):
        try:
            return base64.b64decode(url.partition(",")[2])
        except ValueError:
            raise ImageError("your file is not a picture that can be read") from None
    try:
        with open_upload(picture) as file:
            return file.read()
    except FileNotFoundError:
        raise RequestError("your file is no longer here: upload it again") from None


def shown(
    image: NDArray[np.uint8], faces: Sequence[Face], largest: int = _SHOWN_SIDE
) -> tuple[NDArray[np.uint8], list[Face]]:
    """A picture and its faces as they fit a page: at most `largest` pixels on the longer side."""
    small, scale = shrink(image, largest)
    return small, [face.scaled(scale) for face in faces]


def zoom(image: NDArray[np.uint8], face: Face, style: Style) -> NDArray[np.uint8]:
    """One face cut out as a square, with its landmarks drawn at that size."""
    size = (_ZOOM_SIDE, _ZOOM_SIDE)
    matrix = crop_transform(face.box, size, _ZOOM_MARGIN)
    corners = transform_points(matrix, face.box.reshape(2, 2)).reshape(4)
    moved = replace(
        face, points=transform_points(matrix, face.points).astype(np.float32), box=corners.astype(np.float32)
    )
    return draw(warp(image, matrix, size), [moved], style)
