"""The logs of training runs, read from a folder of runs; no torch is needed for that."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.course_reports.rows import CurveRow, RunRow
from bench.results import read_csv


@dataclass(frozen=True, slots=True)
class Epoch:
    """A line of a run's log."""

    epoch: int
    train_loss: float
    val_loss: float
    val_nme: float
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run: the recipe it was started with, and its log."""

    recipe: Mapping[str, Any]
    log: Sequence[Epoch]


def read_runs(folder: Path, names: Collection[str]) -> dict[str, TrainingRun]:
    """The runs of these names in a folder of runs; those that have not finished an epoch are left out."""
    runs = {}
    for name in sorted(names):
        config, log = folder / name / "config.json", folder / name / "log.csv"
        if config.is_file() and log.is_file() and (epochs := read_csv(log, Epoch)):
            runs[name] = TrainingRun(json.loads(config.read_text(encoding="utf-8")), epochs)
    return runs


def summary_row(name: str, run: TrainingRun) -> RunRow:
    """A run in one row."""
    recipe, config, log = run.recipe, run.recipe["config"], run.log
    best = min(log, key=lambda epoch: epoch.val_nme)
    return RunRow(
        run=name,
        summary=recipe["summary"],
        source=recipe["source"],
        validation=recipe["validation"],
        epochs=len(log),
        of_epochs=config["epochs"],
        batch_size=config["batch_size"],
        learning_rate=config["learning_rate"],
        samples_per_epoch=config["samples_per_epoch"],
        minutes=sum(epoch.seconds for epoch in log) / 60,
        best_nme=best.val_nme,
        best_epoch=best.epoch,
        last_nme=log[-1].val_nme,
    )


def curve_rows(name: str, run: TrainingRun) -> list[CurveRow]:
    """A run's curves, one row an epoch."""
    return [CurveRow(name, e.epoch, e.train_loss, e.val_loss, e.val_nme) for e in run.log]
