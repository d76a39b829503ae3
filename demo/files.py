"""Files of visitors, opened safely, and pictures written for them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.storage import upload_folder

_DISK, _FILES, _MEMORY = (
    "the server's disk is full",
    "the server has too many files open",
    "the server is out of memory",
)
# Troubles of the server, not of a file.
SHORTAGES = {
    errno.ENOSPC: _DISK,
    errno.EDQUOT: _DISK,
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOMEM: _MEMORY,
}
# To open a pipe or a device must not wait for it; Windows has neither flag.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
_JPEG_QUALITY = 90
_FAST_PNG = 1  # level of compression: the higher ones take many times as long


def open_upload(sent: object) -> BinaryIO:
    """Open the file that a visitor's component sent: the only way from a visitor to a file.

    Gradio checks only paths that are marked as files, and a caller of an endpoint need not mark one.

    Args:
        sent: the component's raw value, whatever it is; of a file a mapping with its `path`.

    Returns:
        a regular file inside Gradio's folder, open for reading; its `name` is the resolved path.

    Raises:
        FileNotFoundError: there is no such file; the same for a path to elsewhere, whatever is there.
        OSError: the server has one of the `SHORTAGES`.
    """
    named = sent.get("path") if isinstance(sent, Mapping) else None
    try:
        if isinstance(named, str) and (path := _inside(upload_folder(), named)):
            return open(path, "rb", opener=_open_regular)
    except OSError as error:
        if error.errno in SHORTAGES:
            raise
    except ValueError:  # not even a path: a null byte, half a character
        pass
    raise FileNotFoundError("no such upload")


def is_upload(named: object) -> bool:
    """Whether this is the path of something in the upload folder, as Gradio names it."""
    try:
        return isinstance(named, str) and _inside(upload_folder(), named) is not None
    except (OSError, ValueError):
        return False


def _inside(folder: Path, named: str) -> str | None:
    """The resolved path of what is in a folder; None, without access to the disk, for paths to elsewhere."""
    path = os.path.abspath(named)
    if not Path(path).is_relative_to(os.path.abspath(folder)):
        return None
    path = os.path.realpath(path, strict=True)
    return path if Path(path).is_relative_to(os.path.realpath(folder)) else None


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | _AT_ONCE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError("not a regular file")
    return descriptor


def encode_jpeg(image: NDArray[np.uint8], quality: int = _JPEG_QUALITY) -> bytes:
    """An RGB picture (H, W, 3) as the bytes of a JPEG file."""
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def save_jpeg(image: NDArray[np.uint8], path: Path) -> str:
    """Write an RGB picture (H, W, 3); returns the path as Gradio takes it."""
    path.write_bytes(encode_jpeg(image))
    return str(path)


def save_png(image: NDArray[np.uint8], path: Path) -> str:
    """As `save_jpeg`, without loss."""
    path.write_bytes(_encode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, _FAST_PNG]))
    return str(path)


def _encode(kind: str, image: NDArray[np.uint8], options: list[int]) -> bytes:
    return cv2.imencode(kind, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()
