"""The Leaderboard tab: the benchmark's committed results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

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
RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results"


def results(part: str, folder: Path = RESULTS) -> pd.DataFrame:
    """A part's committed rows with headings for people; empty where nothing has been measured."""
    rows = _rows(part, folder)
    kept = {name: title for name, title in _COLUMNS[part].items() if name in rows.columns}
    return rows[list(kept)].rename(columns=kept).round(3)


def found(folder: Path = RESULTS) -> list[str]:
    """The parts that have results."""
    return [part for part in _COLUMNS if not results(part, folder).empty]


def speeds(folder: Path = RESULTS) -> dict[str, float]:
    """Milliseconds of the whole way from picture to points, in the fastest setting of each model."""
    latency = _rows("latency", folder)
    if latency.empty:
        return {}
    return latency[latency["kind"] == "whole"].groupby("model")["median_ms"].min().to_dict()


def trade_off(folder: Path = RESULTS) -> pd.DataFrame:
    """Error and speed of every model that has both: columns Model, Test set, NME, Milliseconds."""
    accuracy, fastest = _rows("accuracy", folder), speeds(folder)
    if accuracy.empty or not fastest:
        return pd.DataFrame(columns=["Model", "Test set", "NME, %", "Milliseconds"])
    points = accuracy.dropna(subset=["nme"]).groupby(["model", "dataset"])["nme"].min().reset_index()
    points["Milliseconds"] = points["model"].map(fastest)
    titles = {"model": "Model", "dataset": "Test set", "nme": "NME, %"}
    return points.dropna(subset=["Milliseconds"]).rename(columns=titles)


def plots(folder: Path) -> list[str]:
    """The pictures that the benchmark's report has left in a folder."""
    return sorted(str(path) for path in folder.glob("leaderboard*.png"))


def _rows(part: str, folder: Path) -> pd.DataFrame:
    """All rows of a part, of every machine, from its files PART_HOST_PROVIDER_PRECISION_DATE.csv."""
    files = sorted(folder.glob(f"{part}_*_*_*_????-??-??.csv"))
    frames = [pd.read_csv(file).assign(host=file.stem.split("_")[1]) for file in files]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
