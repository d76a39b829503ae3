"""The folders of exported models."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_DETECTORS = "detectors"


def models_folder() -> Path:
    """$FKP_MODELS, else the models inside the installed package, else `exported` of the checkout."""
    if chosen := os.environ.get("FKP_MODELS"):
        return Path(chosen)
    return _own_folder()


def detectors_folder() -> Path:
    """`detectors` in $FKP_MODELS where it exists, else the detectors that come with the project."""
    chosen = models_folder() / _DETECTORS
    return chosen if chosen.is_dir() else _own_folder() / _DETECTORS


def _own_folder() -> Path:
    packaged = _PACKAGE / "exported"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "exported"
