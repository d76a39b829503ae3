"""PNG files: whether all their pixels are there."""

from __future__ import annotations

import zlib

import numpy as np
from PIL import Image

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by color type
# Of each pass of an interlaced file: first column and row, and the distance to the next.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def is_complete(image: Image.Image, data: bytes) -> bool:
    """Whether a file holds all pixels: the decoder fills in zeros for missing ones and does not say so.

    Args:
        image: the decoded picture.
        data: its file.
    """
    interlaced = data[28] == 1
    width, height = image.size
    if not interlaced and np.asarray(image.crop((0, height - 1, width, height))).any():
        return True
    bits = data[24] * _SAMPLES[data[25]]
    if interlaced:
        sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in _PASSES]
    else:
        sizes = [(width, height)]
    wanted = sum(h * (1 + (w * bits + 7) // 8) for w, h in sizes if w > 0 and h > 0)
    return _inflated(data, wanted) >= wanted


def _inflated(data: bytes, most: int) -> int:
    """Bytes of pixel data, counted up to `most`."""
    stream, count, place = zlib.decompressobj(), 0, 8
    while count < most and place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == b"IDAT":
            piece = data[place + 8 : place + 8 + length]
            while piece and count < most:
                count += len(stream.decompress(piece, 1 << 20))
                piece = stream.unconsumed_tail
        place += length + 12
    return count
