"""Files that the demo hands to visitors, in Gradio's temporary folder, from which they are served."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

KEPT_SECONDS = 3600
_PREFIX = "landmarks-"
_JPEG_QUALITY = 90
_FAST_PNG = 1  # level of compression: the higher ones take many times as long


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
