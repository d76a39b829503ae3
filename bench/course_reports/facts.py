"""What docs/reports.md says in figures: tables, single numbers and pictures, as Markdown.

What was not measured is marked; missing pictures are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from bench.course_reports.experiments import EXPERIMENTS, pick
from bench.course_reports.measure import SIDES, VIEWS
from bench.course_reports.rows import (
    CollapseRow,
    CurveRow,
    HeadTurnRow,
    ModelRow,
    RunRow,
    ShrinkingRow,
    SideRow,
    SquaredRow,
    VarianceRow,
    ViewRow,
    read,
)
from bench.faces import DETECTOR, TRUTH, BoxSource
from bench.report.markdown import to_markdown
from bench.report.result_set import Column, ResultSet, best
from bench.report.tables import Table
from bench.results import cell
from bench.rows import AccuracyRow
from fkp.datasets import TEST_SETS
from fkp.runtime.folders import models_folder
from fkp.runtime.index import read_index

R = TypeVar("R", bound=ModelRow)

SERIES = "course-reports"  # of their models' specs
_UNKNOWN = "(not measured)"
_RESULTS = (
    Column("trained", "epochs", ""),
    Column("last", "validation NME %", ""),
    Column("nme", "NME %", ""),
    Column("nme_detector", "detector", ""),
    Column("fr8", "FR@8 %", ""),
    Column("mae", "MAE px", ""),
)


@dataclass(frozen=True)
class Facts:
    """The figures of the page.

    Attributes:
        models: the results of the models.
        folder: of the experiments' CSVs and pictures.
        sha256: exported model -> the hash of its file; rows of other files of its name do not count.
    """

    models: ResultSet
    folder: Path
    sha256: Mapping[str, str]

    @classmethod
    def read(cls, results: ResultSet, folder: Path) -> Facts:
        return cls(results, folder, {n: row["sha256"] for n, row in read_index(models_folder()).items()})

    def results(self, report: str) -> str:
        """A table for each experiment of a report, then where its recipes depart from the report."""
        names, parts = self._names(), []
        for title, patterns in EXPERIMENTS[report].items():
            if found := pick(names, patterns):
                rows = [(self._title(name), self._figures(name)) for name in found]
                columns = [column for column in _RESULTS if any(column.name in values for _, values in rows)]
                parts.append(f"**{title}**, on {self._home(found)}\n\n{_table(columns, rows)}")
        sources = dict.fromkeys(run.source for name in names if (run := self._runs.get(name)))
        if own := sorted(words for words in sources if words.startswith(f"report {report}")):
            parts.append("Where the recipes depart from it:\n\n" + "\n".join(f"- {words}" for words in own))
        return "\n\n".join(parts) or _UNKNOWN

    def _figures(self, model: str) -> dict[str, float | str]:
        """The cells of a row of `results`."""
        scheme, run = self._scheme(model), self._runs.get(model)
        values: dict[str, float | str] = dict(self.models.figures(model, scheme)) if scheme else {}
        if run:
            all_epochs = run.epochs == run.of_epochs
            values["trained"] = str(run.epochs) if all_epochs else f"{run.epochs} of {run.of_epochs}"
            values["last"] = run.last_nme
        return values

    def _title(self, model: str) -> str:
        """A network's name, and what it is."""
        run = self._runs.get(model)
        return f"{model}: {run.summary.partition('; ')[2] or run.summary}" if run else model

    def _home(self, models: Sequence[str]) -> str:
        """The test faces of models, or where none was measured on them yet, their validation part."""
        schemes = [scheme for model in models if (scheme := self._scheme(model))]
        run = self._runs.get(models[0])
        return TEST_SETS[schemes[0]] if schemes else run.validation if run else _UNKNOWN

    def picture(self, name: str, words: str) -> str:
        """A picture of the folder, and what it shows."""
        return f"![{words}]({self.folder.name}/{name})" if (self.folder / name).is_file() else ""

    def head_turns(self, *patterns: str) -> str:
        """NME by head turn."""
        cells = [(row.model, row.turn, row.faces, row.nme) for row in self._models(HeadTurnRow, patterns)]
        return self._spread(cells, SIDES)

    def views(self, *patterns: str) -> str:
        """NME by IMM's views."""
        cells = [(row.model, row.view, row.faces, row.nme) for row in self._models(ViewRow, patterns)]
        return self._spread(cells, tuple(VIEWS.values()))

    def sides(self, dataset: str) -> str:
        """How many faces of a data set are turned to each side, in words."""
        counts = {row.turn: row.faces for row in read(self.folder, SideRow) if row.dataset == dataset}
        return ", ".join(f"{counts[name]} {name}" for name in SIDES) if counts else _UNKNOWN

    def shrinking(self, *patterns: str) -> str:
        """Slope and size of predictions."""
        columns = [Column("slope", "slope", "", False), Column("size", "size", "", False)]
        rows = [(r.model, _known(slope=r.slope, size=r.size)) for r in self._models(ShrinkingRow, patterns)]
        return _table(columns, rows, marked=False)

    def squared(self, *patterns: str) -> str:
        """Mean squared errors in units of the picture's sides."""
        columns = [Column(TRUTH, "true boxes", "", True, 6), Column(DETECTOR, "detector", "", True, 6)]
        values: dict[str, dict[str, float | str]] = {}
        for row in self._models(SquaredRow, patterns):
            values.setdefault(row.model, {})[row.boxes] = row.mse
        return _table(columns, list(values.items()), marked=False)

    def components(self, dataset: str, crops: str, share: float) -> str:
        """How many principal components hold a share of the variance."""
        enough = [n for n, own in self._variance(dataset, crops).items() if own >= share]
        return str(min(enough)) if enough else _UNKNOWN

    def share(self, dataset: str, crops: str, components: int) -> str:
        """The share of the variance that so many principal components hold."""
        share = self._variance(dataset, crops).get(components)
        return _UNKNOWN if share is None else f"{100 * share:.1f} %"

    def _variance(self, dataset: str, crops: str) -> dict[int, float]:
        rows = read(self.folder, VarianceRow)
        return {r.components: r.share for r in rows if (r.dataset, r.crops) == (dataset, crops)}

    def width(self, model: str) -> str:
        """The width of a model's faces over that of the true ones."""
        rows = self._models(CollapseRow, [model])
        return cell(rows[0].width) if rows else _UNKNOWN

    def nme(self, model: str, dataset: str) -> str:
        """A model's NME on a data set, true boxes."""
        row = self._accuracy(model, dataset)
        return cell(row.nme) if row else _UNKNOWN

    def jaw(self, model: str, dataset: str) -> str:
        """A model's NME of the jaw line, true boxes."""
        row = self._accuracy(model, dataset)
        return cell(row.nme_of.get("jaw")) if row else _UNKNOWN

    def inner(self, model: str, dataset: str) -> str:
        """A model's NME without the jaw line, true boxes."""
        row = self._accuracy(model, dataset)
        return cell(row.nme_inner) if row else _UNKNOWN

    def _accuracy(self, model: str, dataset: str) -> AccuracyRow | None:
        scheme = self._scheme(model)
        return self.models.accuracy_row(model, scheme, dataset) if scheme else None

    def maes(self, dataset: str, boxes: str, *models: str) -> str:
        """The MAE in pixels of the original pictures, of those models that have one."""
        found = {model: self._mae(model, dataset, BoxSource(boxes)) for model in models}
        return _listed({model: cell(mae) for model, mae in found.items() if mae is not None}, models)

    def _mae(self, model: str, dataset: str, source: BoxSource) -> float | None:
        scheme = self._scheme(model)
        row = self.models.accuracy_row(model, scheme, dataset, source) if scheme else None
        return row.mae if row else None

    def contest(self, *models: str) -> str:
        """The contest's score on the faces whose points are public, of those models that have one."""
        return _listed({row.model: cell(row.mae) for row in self.models.kaggle}, models)

    def lowest(self, *runs: str) -> str:
        """The lowest validation loss, of those runs that there are."""
        losses: dict[str, list[float]] = {}
        for row in read(self.folder, CurveRow):
            losses.setdefault(row.run, []).append(row.val_loss)
        return _listed({run: f"{min(values):.3g}" for run, values in losses.items()}, runs)

    def below(self, run: str) -> str:
        """In how many epochs the validation loss was below the training loss."""
        rows = [row for row in read(self.folder, CurveRow) if row.run == run]
        below = sum(row.val_loss < row.train_loss for row in rows)
        return f"{below} of {len(rows)}" if rows else _UNKNOWN

    def missing(self) -> str:
        """The experiments without any measured network, in words; empty where there is none."""
        names = self._names()
        left = [
            f"report {report}, {title}"
            for report, experiments in EXPERIMENTS.items()
            for title, patterns in experiments.items()
            if not pick(names, patterns)
        ]
        return f"Not trained yet: {'; '.join(left)}." if left else ""

    def _names(self) -> set[str]:
        return self._runs.keys() | {row.model for row in self.models.accuracy if row.series == SERIES}

    @cached_property
    def _runs(self) -> dict[str, RunRow]:
        return {row.run: row for row in read(self.folder, RunRow)}

    def _scheme(self, model: str) -> str | None:
        schemes = {row.scheme for row in self.models.accuracy if row.model == model}
        return next((scheme for scheme in TEST_SETS if scheme in schemes), None)

    def _spread(self, cells: Sequence[tuple[str, str, int, float]], names: Sequence[str]) -> str:
        """NMEs by model and group of faces; a cell is a model, a group, its number of faces, and the NME."""
        counts: dict[str, int] = {}
        values: dict[str, dict[str, float | str]] = {}
        for model, name, faces, nme in cells:
            counts[name] = faces
            values.setdefault(model, {})[name] = nme
        columns = [Column(name, f"{name} ({counts[name]})", "") for name in names if name in counts]
        alike = len({self._scheme(model) for model in values}) == 1
        return _table(columns, list(values.items()), marked=alike)

    def _models(self, kind: type[R], patterns: Iterable[str]) -> list[R]:
        """The rows that count of the models of these names, in the order of the patterns."""
        rows = [r for r in read(self.folder, kind) if self.sha256.get(r.model, r.sha256) == r.sha256]
        return [
            row for model in pick({r.model for r in rows}, patterns) for row in rows if row.model == model
        ]


def _listed(values: Mapping[str, str], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {values[name]}" for name in names if name in values) or _UNKNOWN


def _known(**values: float | None) -> dict[str, float | str]:
    return {name: value for name, value in values.items() if value is not None}


def _table(
    columns: Sequence[Column], rows: Sequence[tuple[str, dict[str, float | str]]], marked: bool = True
) -> str:
    """A table of models in Markdown, the best of each column marked; in words where it has no rows."""
    if not rows:
        return _UNKNOWN
    cells = [[name, *(cell(values.get(c.name), c.digits) for c in columns)] for name, values in rows]
    bests: list[str | None] = [None]
    for column in columns:
        found = [v for _, values in rows if isinstance(v := values.get(column.name), float)]
        value = best(found, column.low_is_good) if marked else None
        bests.append(None if value is None else cell(value, column.digits))
    return to_markdown(Table("", [Column("model", "network", ""), *columns], cells, bests))
