"""Facial keypoints: from data, through training and ONNX files, to a demo and a benchmark."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fkp.images import load_image
    from fkp.runtime.alignment import align
    from fkp.runtime.drawing import draw
    from fkp.runtime.face import Face
    from fkp.runtime.index import list_models
    from fkp.runtime.landmarker import Landmarker
    from fkp.runtime.tracking import Tracker

__all__ = ["Face", "Landmarker", "Tracker", "__version__", "align", "draw", "list_models", "load_image"]
__version__ = "0.1.0"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before ONNX Runtime is imported

_MODULES = {
    "Face": "fkp.runtime.face",
    "Landmarker": "fkp.runtime.landmarker",
    "Tracker": "fkp.runtime.tracking",
    "align": "fkp.runtime.alignment",
    "draw": "fkp.runtime.drawing",
    "list_models": "fkp.runtime.index",
    "load_image": "fkp.images",
}


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `import fkp` loads neither OpenCV nor ONNX Runtime.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
