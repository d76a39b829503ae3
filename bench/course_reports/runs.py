"""The logs of training runs, read from a folder of runs; no torch is needed for that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.results import read_csv

Row = dict[str, Any]


def read_runs(folder: Path) -> dict[str, tuple[Mapping[str, Any], list[dict[str, float]]]]:
    """Run -> its recipe, and its log as one row of numbers an epoch; only runs of the reports' recipes."""
    runs = {}
    for log in sorted(folder.glob("report*/log.csv")):
        config = log.with_name("config.json")
        if config.is_file():
            history = [{name: float(value) for name, value in row.items()} for row in read_csv(log)]
            runs[log.parent.name] = (json.loads(config.read_text(encoding="utf-8")), history)
    return runs


def summary_row(name: str, recipe: Mapping[str, Any], history: Sequence[Mapping[str, float]]) -> Row:
    """A run in one row: what it was given, and what its validation part said."""
    best = min(history, key=lambda row: row["val_nme"])
    return {
        "run": name,
        "summary": recipe["summary"],
        "source": recipe["source"],
        "validation": recipe["validation"],
        "epochs": len(history),
        "of_epochs": recipe["config"]["epochs"],
        "batch_size": recipe["config"]["batch_size"],
        "learning_rate": f"{recipe['config']['learning_rate']:g}",
        "samples_per_epoch": recipe["config"]["samples_per_epoch"],
        "minutes": sum(row["seconds"] for row in history) / 60,
        "best_nme": best["val_nme"],
        "best_epoch": int(best["epoch"]),
        "last_nme": history[-1]["val_nme"],
    }


def curve_rows(name: str, history: Sequence[Mapping[str, float]]) -> list[Row]:
    """A run's curves, one row an epoch."""
    return [
        {
            "run": name,
            "epoch": int(row["epoch"]),
            **{column: f"{row[column]:.5g}" for column in ("train_loss", "val_loss", "val_nme")},
        }
        for row in history
    ]
