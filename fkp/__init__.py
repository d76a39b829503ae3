"""Facial keypoints: from data, through training and ONNX files, to a demo and a benchmark."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fkp.runtime.face import Face
    from fkp.runtime.index import list_models
    from fkp.runtime.landmarker import Landmarker

__all__ = ["Face", "Landmarker", "__version__", "list_models"]
__version__ = "0.1.0"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before ONNX Runtime is imported: it sends nothing home

_HOMES = {
    "Face": "fkp.runtime.face",
    "Landmarker": "fkp.runtime.landmarker",
    "list_models": "fkp.runtime.index",
}


def __getattr__(name: str) -> Any:
    # Looked up on first use, so that `import fkp` loads neither OpenCV nor ONNX Runtime.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
