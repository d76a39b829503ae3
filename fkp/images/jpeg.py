"""JPEG files: how much work they are, and whether all their pixels are there."""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image, JpegImagePlugin

START = b"\xff\xd8\xff"
MAX_SCANS = 50  # cameras and web pages write 1 to 12; each costs a pass over the whole picture
_END = b"\xff\xd9"
_START_OF_SCAN = 0xDA
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
# In a scan, 0xFF stands before a stuffed 0, a restart marker, a fill byte, or the marker that ends the scan.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JUNK = bytes(range(1, 255)) * 16


def open_image(data: bytes) -> Image.Image:
    """The picture, not decoded yet; of a file of several pictures the first.

    Raises:
        SyntaxError: the header is damaged.
    """
    image: Image.Image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    return image


def is_progressive(image: Image.Image) -> bool:
    """Whether all scans must be held in memory before there is a picture."""
    return "progressive" in image.info or "progression" in image.info


def count_scans(data: bytes) -> int:
    """The number of scans of the first picture in a file."""
    return _walk(data)[0]


def decode(data: bytes, reduction: int) -> Image.Image | None:
    """The pixels, 1, 2, 4 or 8 times smaller, in mode RGB; None where the file holds too few.

    A file that lacks nothing but its end marker is whole. The decoder fills what is missing with gray and
    does not say so, so doubtful files are decoded once more with junk at the end of their pixels: those
    that lack some would use it.
    """
    end = _walk(data)[1]
    pixels = data[:end].rstrip(b"\xff")
    image = _decoded(pixels + _END, reduction)
    if end < len(data) and not _ends_flat(image, 8 // reduction):
        return image
    again = _decoded(pixels + _JUNK + _END, reduction)
    return image if np.array_equal(np.asarray(image), np.asarray(again)) else None


def _decoded(data: bytes, reduction: int) -> Image.Image:
    image = open_image(data)
    width, height = image.size
    if reduction > 1:
        image.draft(None, (-(-width // reduction), -(-height // reduction)))
    image.load()
    return image if image.mode == "RGB" else image.convert("RGB")


def _ends_flat(image: Image.Image, side: int) -> bool:
    """Whether the last block has one color, as the decoder fills in what is missing."""
    width, height = image.size
    block = np.asarray(image.crop((max(width - side, 0), max(height - side, 0), width, height)))
    return not np.ptp(block, axis=(0, 1)).any()


def _walk(data: bytes) -> tuple[int, int]:
    """The number of scans of the first picture, and where its end marker is: the file's end where it is
    missing."""
    scans, place = 0, 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xD9:
            return scans, place
        if marker == 0xFF:
            place += 1
        elif marker in _STANDALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
            if marker == _START_OF_SCAN:
                scans += 1
                found = _AFTER_SCAN.search(data, place)
                if found is None:
                    return scans, len(data)
                place = found.start()
    return scans, place if data[place : place + 2] == _END else len(data)
