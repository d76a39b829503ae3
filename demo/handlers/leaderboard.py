"""The Leaderboard tab: the benchmark's committed results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from demo.measured import RESULTS, TEST_SETS, errors, rows, speeds
from fkp.schemes import get_scheme

# Each part's columns, in order, and what they are called here.
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "accuracy": {
        "model": "Model",
        "dataset": "Test set",
        "scheme": "Points",
        "boxes": "Face boxes",
        "faces": "Faces",
        "missed": "Missed, %",
        "nme": "NME, %",
        "fr8": "FR@8, %",
        "auc8": "AUC@8, %",
        "mae": "MAE, px",
    },
    "latency": {
        "model": "Model",
        "kind": "What",
        "provider": "Provider",
        "threads": "Threads",
        "batch": "Batch",
        "median_ms": "Median, ms",
        "p90_ms": "p90, ms",
        "p99_ms": "p99, ms",
        "faces_per_s": "Faces a second",
        "host": "Machine",
    },
    "robustness": {
        "model": "Model",
        "dataset": "Test set",
        "kind": "Distortion",
        "severity": "Severity",
        "nme": "NME, %",
    },
    "kaggle": {"model": "Model", "mae": "MAE, px"},
}


def results(part: str, folder: Path = RESULTS) -> pd.DataFrame:
    """A part's committed rows with headings for people; empty where nothing has been measured."""
    table = rows(part, folder)
    kept = {name: title for name, title in _COLUMNS[part].items() if name in table.columns}
    return table[list(kept)].rename(columns=kept).round(3)


def found(folder: Path = RESULTS) -> list[str]:
    """The parts that have results."""
    return [part for part in _COLUMNS if not results(part, folder).empty]


def trade_off(folder: Path = RESULTS) -> pd.DataFrame:
    """Error and speed of every model that has both, on the test set of its scheme."""
    fastest = speeds(folder)
    points = [
        (model, str(get_scheme(scheme).num_points), error, fastest[model])
        for scheme in TEST_SETS
        for model, error in errors(scheme, folder).items()
        if model in fastest
    ]
    return pd.DataFrame(points, columns=["Model", "Points", "NME, %", "Milliseconds"])


def plots(folder: Path) -> list[str]:
    """The pictures that the benchmark's report has left in a folder."""
    return sorted(str(path) for path in folder.glob("leaderboard*.png"))
