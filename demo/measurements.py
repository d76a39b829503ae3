"""What `python -m bench` measured of each model, from the summary that `python -m bench report` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fkp.runtime.folders import models_folder
from fkp.runtime.index import read_index

SUMMARY = Path(__file__).resolve().parents[1] / "bench" / "results" / "summary.json"


def speeds(summary: Path = SUMMARY) -> Mapping[str, float]:
    """Model -> milliseconds from a picture and a face's box to its points, on one core."""
    return {name: model["ms"] for name, model in _models(summary).items() if model["ms"] is not None}


def errors(scheme: str, summary: Path = SUMMARY) -> Mapping[str, float]:
    """Model -> NME in percent for true boxes on the scheme's test set."""
    nmes = {name: model["nme"] for name, model in _models(summary).items()}
    return {name: nme[scheme] for name, nme in nmes.items() if scheme in nme}


@lru_cache(maxsize=4)
def _models(summary: Path) -> Mapping[str, dict[str, Any]]:
    """The models whose files have not changed since; none where there is no summary, or a damaged one."""
    try:
        models = json.loads(summary.read_text(encoding="utf-8"))["models"]
        measured = {
            str(name): {
                "sha256": model["sha256"],
                "ms": None if model["ms"] is None else float(model["ms"]),
                "nme": {scheme: float(value) for scheme, value in model["nme"].items()},
            }
            for name, model in models.items()
        }
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}
    index = read_index(models_folder())
    return {
        name: model
        for name, model in measured.items()
        if index.get(name, {}).get("sha256", model["sha256"]) == model["sha256"]
    }
