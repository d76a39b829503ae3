"""Files from visitors and for them, all in Gradio's temporary folder: there it stores uploads, and serves."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

KEPT_SECONDS = 3600
# To open a pipe or a device must not wait for it; Windows has neither flag.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
_PREFIX = "landmarks-"
_JPEG_QUALITY = 90
_FAST_PNG = 1  # level of compression: the higher ones take many times as long


def open_upload(sent: object) -> BinaryIO:
    """Open the file that a visitor's component sent: the only way from a visitor to a file.

    Gradio looks only at paths that are marked as files, and whoever calls an endpoint need not mark one.

    Args:
        sent: the component's raw value, whatever it is; of a file a mapping with its `path`.

    Returns:
        a regular file inside Gradio's folder, open for reading; its `name` is the resolved path.

    Raises:
        FileNotFoundError: there is no such file; the same for a path to elsewhere, whatever is there.
        OSError: it cannot be opened.
    """
    named = sent.get("path") if isinstance(sent, Mapping) else None
    try:
        if isinstance(named, str) and (path := _inside(get_upload_folder(), named)):
            return open(path, "rb", opener=_open_regular)
    except ValueError:  # not even a path: a null byte, half a character
        pass
    raise FileNotFoundError


def _inside(folder: str, named: str) -> str | None:
    """The resolved path of what is in a folder; None, without a look at the disk, for paths to elsewhere."""
    path = os.path.abspath(named)
    if not Path(path).is_relative_to(os.path.abspath(folder)):
        return None
    path = os.path.realpath(path, strict=True)
    return path if Path(path).is_relative_to(os.path.realpath(folder)) else None


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | _AT_ONCE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError
    return descriptor


def new_folder() -> Path:
    """A new folder under an unguessable name; those older than `KEPT_SECONDS` are removed on the way.

    Gradio removes what it has sent to a visitor, but not what a cancelled job leaves behind.
    """
    parent = Path(get_upload_folder())
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.glob(f"{_PREFIX}*"):
        if _age(folder) > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))


def _age(folder: Path) -> float:
    """Seconds since something was added to a folder; 0 where another visitor's job has just removed it."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


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
