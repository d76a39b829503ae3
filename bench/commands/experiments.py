"""`python -m bench experiments`: the figures and pictures of docs/reports.md."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.cache import default_cache
from bench.candidates import Candidate, find_candidates
from bench.course_reports import figures, measure
from bench.course_reports.experiments import ANIMATIONS, EXPERIMENTS, FILTERS, pick
from bench.course_reports.rows import CurveRow, keep, read
from bench.course_reports.runs import curve_rows, read_runs, summary_row
from bench.faces import TestSet
from fkp.datasets import DATASETS, Sample, available, find_data_root, load
from fkp.datasets.options import add_data
from fkp.history import PredictionHistory
from fkp.inspection import animation

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reports"
_DESCRIPTION = """\
Measures the experiments of the five course reports that the leaderboard has no column for, and draws
their pictures: errors by head turn, shrinking towards the mean face, squared errors in units of the
picture, shares of variance; loss curves, filters, mirrored mean faces, animations of training. A row
without data, run or model stays as it was. `python -m bench report` then writes docs/reports.md."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `experiments`."""
    parser = commands.add_parser(
        "experiments",
        help="the figures and pictures of docs/reports.md",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--models", nargs="+", metavar="MODEL", help="names or .onnx files (default: all exported)")
    add_data(parser)
    add("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of the runs (default: runs/)")
    add("--out", type=Path, default=FOLDER, metavar="DIR", help="default: docs/reports/")
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    found, problems = find_candidates(args.models, ["cpu"], 1)
    # An experiment is known by its recipe, whichever file it is in.
    candidates = [replace(candidate, name=candidate.spec.name) for candidate in found if candidate.spec]
    for problem in problems:
        print(problem)
    args.out.mkdir(parents=True, exist_ok=True)
    root = find_data_root(args.data)
    if root is None:
        print("no data found (--data, $FKP_DATA): only runs and filters are measured")
    written = [*_of_runs(args.runs, args.out), *_of_models(candidates, args.out)]
    if root is not None:
        written += _of_data(candidates, root, args.out)
    for path in dict.fromkeys(path for path in written if path):
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
    return 0


def _of_runs(folder: Path, out: Path) -> Iterator[Path | None]:
    every = [p for experiments in EXPERIMENTS.values() for patterns in experiments.values() for p in patterns]
    runs = read_runs(folder, pick([path.name for path in folder.glob("*")], every))
    if not runs:
        return
    yield keep(out, [summary_row(name, run) for name, run in runs.items()])
    yield keep(out, [row for name, run in runs.items() for row in curve_rows(name, run)])
    curves: dict[str, list[CurveRow]] = {}
    for row in read(out, CurveRow):  # of earlier calls too, so that the picture shows all that the table has
        curves.setdefault(row.run, []).append(row)
    for report, experiments in EXPERIMENTS.items():
        columns = {title: {n: curves[n] for n in pick(curves, p)} for title, p in experiments.items()}
        if columns := {title: found for title, found in columns.items() if found}:
            yield figures.curves(columns, out / f"curves-{report}.png")
    for name in ANIMATIONS:
        history = PredictionHistory.load(folder / name)
        if name in runs and history is not None:
            scheme = DATASETS[runs[name].recipe["validation"]].scheme
            frames = animation.frames(history, scheme, faces=3)
            yield animation.save_gif(frames, out / f"training-{name}.gif")


def _of_models(candidates: Sequence[Candidate], out: Path) -> Iterator[Path | None]:
    paths = {candidate.name: candidate.path for candidate in candidates if candidate.path}
    for name in pick(paths, FILTERS):
        yield figures.filters(paths[name], out / f"filters-{name}.png")
    if both := [paths[name] for name in pick(paths, ("report004-ytf", "fkp68-base"))]:
        yield figures.group(both, out / "group.jpg")


def _of_data(candidates: Sequence[Candidate], root: Path, out: Path) -> Iterator[Path | None]:
    wild = [c for c in candidates if c.scheme.name == "ibug68"]
    studio = [c for c in candidates if c.scheme.name in ("imm58", "nose1")]
    common, validation, imm = (TestSet(name, root) for name in ("300w-common", "ibug-val", "imm-val"))
    has = set(available(root))
    training: dict[str, list[Sample]] = {
        name: load(name, root) for name in ("ibug-train", "imm-train") if name in has
    }
    predictions = measure.Predictions(default_cache())
    yield keep(out, measure.variance(training))
    yield keep(out, measure.sides(training))
    if "ibug-train" in training:
        yield figures.modes(training["ibug-train"], 12, out / "modes.png")
        yield keep(out, measure.shrinking(predictions, wild, validation, "ibug-train"))
    if common.name in has:
        yield keep(out, measure.by_turn(predictions, wild, common))
    if imm.name in has:
        yield keep(out, measure.by_view(predictions, studio, imm))
        yield keep(out, measure.shrinking(predictions, studio, imm, "imm-train"))
        yield keep(out, measure.squared(predictions, studio, imm))
        mirrors = [c for c in studio if c.name in pick([c.name], ("report002-mirror*",))]
        yield keep(out, measure.collapse(predictions, mirrors, imm))
        picture = out / "mirror.png"
        if mirrors or not picture.exists():
            points = predictions(mirrors, imm)
            means = {f"mean prediction of {name.partition('-')[2]}": points[name] for name in sorted(points)}
            yield figures.mirrored(training["imm-train"], imm.faces, means, picture)
