"""docs/reports.md: what the five course reports claimed and what is measured here.

The words stand in `reports.md` beside this file. Its fields `{{name words}}` are filled by the methods of
`Facts`, from the results and from the CSVs that `python -m bench experiments` wrote; what was not measured
is said to be so, and a picture that is not there is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.course_reports.experiments import EXPERIMENTS, pick
from bench.course_reports.measure import SIDES, VIEWS
from bench.report.markdown import to_markdown
from bench.report.result_set import Column, CsvRow, ResultSet, best
from bench.report.tables import Table
from bench.results import cell, read_csv
from fkp.datasets import TEST_SETS
from fkp.runtime.folders import models_folder
from fkp.runtime.index import read_index

FOLDER = "reports"  # of the CSVs and pictures, beside the page
_TEMPLATE = Path(__file__).with_name("page.md")
_FIELD = re.compile(r"\{\{(\w+)([^}]*)\}\}")
_UNKNOWN = "(not measured)"

_RESULTS = (
    Column("trained", "epochs", ""),
    Column("last", "validation NME %", ""),
    Column("nme", "NME %", ""),
    Column("nme_detector", "detector", ""),
    Column("fr8", "FR@8 %", ""),
    Column("mae", "MAE px", ""),
)


def page(board: ResultSet, folder: Path) -> str:
    """The whole of docs/reports.md, from a board and the folder of the experiments' CSVs."""
    facts = Facts.read(board, folder)
    text = _TEMPLATE.read_text(encoding="utf-8")
    filled = _FIELD.sub(lambda field: getattr(facts, field[1])(*field[2].split()), text)
    return re.sub(r"\n{3,}", "\n\n", filled)


@dataclass(frozen=True)
class Facts:
    """What the page's fields say; each method is the name of a field.

    Attributes:
        board: the results.
        folder: of the experiments' CSVs and pictures.
        rows: CSV -> its rows, without those of model files that have changed since.
    """

    board: ResultSet
    folder: Path
    rows: dict[str, list[dict[str, str]]]

    @classmethod
    def read(cls, board: ResultSet, folder: Path) -> Facts:
        current = {name: row.get("sha256") for name, row in read_index(models_folder()).items()}
        rows = {
            file.stem: [
                row
                for row in read_csv(file)
                if "sha256" not in row or current.get(row["model"], row["sha256"]) == row["sha256"]
            ]
            for file in sorted(folder.glob("*.csv"))
        }
        return cls(board, folder, rows)

    def results(self, report: str) -> str:
        """A table for each experiment of a report, then where its recipes depart from the report."""
        names, parts = self._names(), []
        for title, patterns in EXPERIMENTS[report].items():
            if found := pick(names, patterns):
                rows = [(self._title(name), self._figures(name)) for name in found]
                columns = [column for column in _RESULTS if any(column.name in values for _, values in rows)]
                parts.append(f"**{title}**, on {self._home(found)}\n\n{_table(columns, rows)}")
        sources = dict.fromkeys(run["source"] for name in names if (run := self._one("runs", run=name)))
        if own := sorted(words for words in sources if words.startswith(f"report {report}")):
            parts.append("Where the recipes depart from it:\n\n" + "\n".join(f"- {words}" for words in own))
        return "\n\n".join(parts) or _UNKNOWN

    def _figures(self, model: str) -> dict[str, float | str]:
        """The cells of a row of `results`."""
        scheme, run = self._scheme(model), self._one("runs", run=model)
        values: dict[str, float | str] = dict(self.board.figures(model, scheme)) if scheme else {}
        if run:
            all_epochs = run["epochs"] == run["of_epochs"]
            values |= {
                "trained": run["epochs"] if all_epochs else f"{run['epochs']} of {run['of_epochs']}",
                "last": float(run["last_nme"]),
            }
        return values

    def _title(self, model: str) -> str:
        """A network's name, and what it is."""
        run = self._one("runs", run=model)
        return f"{model}: {run['summary'].partition('; ')[2] or run['summary']}" if run else model

    def _home(self, models: Sequence[str]) -> str:
        """The test faces of models, or where none was measured on them yet, their validation part."""
        schemes = [scheme for model in models if (scheme := self._scheme(model))]
        run = self._one("runs", run=models[0])
        return TEST_SETS[schemes[0]] if schemes else run["validation"] if run else _UNKNOWN

    def picture(self, name: str, *alt: str) -> str:
        """A picture of the folder."""
        return f"![{' '.join(alt)}]({FOLDER}/{name})" if (self.folder / name).is_file() else ""

    def turns(self, *patterns: str) -> str:
        """NME by head turn."""
        return self._spread("turn", SIDES, patterns)

    def views(self, *patterns: str) -> str:
        """NME by IMM's views."""
        return self._spread("view", tuple(VIEWS.values()), patterns)

    def sides(self, dataset: str) -> str:
        """How many faces of a data set are turned to each side, in words."""
        counts = {
            row["turn"]: row["faces"] for row in self.rows.get("sides", []) if row["dataset"] == dataset
        }
        return ", ".join(f"{counts[name]} {name}" for name in SIDES) if counts else _UNKNOWN

    def shrinking(self, *patterns: str) -> str:
        """Slope and size of predictions."""
        columns = [Column("slope", "slope", "", False), Column("size", "size", "", False)]
        rows = self._models("shrinking", patterns)
        return _table(columns, [(r["model"], _numbers(r, "slope", "size")) for r in rows], marked=False)

    def squared(self, *patterns: str) -> str:
        """Mean squared errors in units of the picture's sides."""
        columns = [Column("truth", "true boxes", "", True, 6), Column("detector", "detector", "", True, 6)]
        values: dict[str, dict[str, float | str]] = {}
        for row in self._models("squared", patterns):
            values.setdefault(row["model"], {})[row["boxes"]] = float(row["mse"])
        return _table(columns, list(values.items()), marked=False)

    def components(self, dataset: str, crops: str, share: str) -> str:
        """How many principal components hold a share of the variance."""
        rows = [r for r in self.rows.get("variance", []) if (r["dataset"], r["crops"]) == (dataset, crops)]
        enough = [int(r["components"]) for r in rows if float(r["share"]) >= float(share)]
        return str(min(enough)) if enough else _UNKNOWN

    def share(self, dataset: str, crops: str, components: str) -> str:
        """The share of the variance that so many principal components hold."""
        row = self._one("variance", dataset=dataset, crops=crops, components=components)
        return f"{float(row['share']):.1%}".replace("%", " %") if row else _UNKNOWN

    def width(self, model: str) -> str:
        """The width of a model's faces over that of the true ones."""
        row = self._one("collapse", model=model)
        return cell(float(row["width"])) if row else _UNKNOWN

    def accuracy(self, model: str, dataset: str, boxes: str, column: str) -> str:
        """One figure of the results."""
        rows = (row for row in self.board.accuracy if row["model"] == model and row["dataset"] == dataset)
        row = next((r for r in rows if r["boxes"] == boxes.replace("_", " ") and r.get(column)), None)
        return cell(float(row[column])) if row else _UNKNOWN

    def maes(self, dataset: str, boxes: str, *models: str) -> str:
        """The MAE in pixels of the original pictures, of those models that have one."""
        rows = (r for r in self.board.accuracy if (r["dataset"], r["boxes"]) == (dataset, boxes))
        return _listed({r["model"]: cell(float(r["mae"])) for r in rows if r["scheme"] != "nose1"}, models)

    def contest(self, *models: str) -> str:
        """The contest's score on the faces whose points are public, of those models that have one."""
        return _listed({row["model"]: cell(float(row["mae"])) for row in self.board.kaggle}, models)

    def lowest(self, *runs: str) -> str:
        """The lowest validation loss, of those runs that there are."""
        losses: dict[str, list[float]] = {}
        for row in self.rows.get("curves", []):
            losses.setdefault(row["run"], []).append(float(row["val_loss"]))
        return _listed({run: f"{min(values):.3g}" for run, values in losses.items()}, runs)

    def below(self, run: str) -> str:
        """In how many epochs the validation loss was below the training loss."""
        rows = [row for row in self.rows.get("curves", []) if row["run"] == run]
        below = sum(float(row["val_loss"]) < float(row["train_loss"]) for row in rows)
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
        runs = {row["run"] for row in self.rows.get("runs", [])}
        return runs | {row["model"] for row in self.board.accuracy if row["model"].startswith("report")}

    def _scheme(self, model: str) -> str | None:
        schemes = {row["scheme"] for row in self.board.accuracy if row["model"] == model}
        return next((scheme for scheme in TEST_SETS if scheme in schemes), None)

    def _spread(self, what: str, names: Sequence[str], patterns: Sequence[str]) -> str:
        counts: dict[str, str] = {}
        values: dict[str, dict[str, float | str]] = {}
        for row in self._models(what, patterns):
            counts[row[what]] = row["faces"]
            values.setdefault(row["model"], {})[row[what]] = float(row["nme"])
        columns = [Column(name, f"{name} ({counts[name]})", "") for name in names if name in counts]
        alike = len({self._scheme(model) for model in values}) == 1
        return _table(columns, list(values.items()), marked=alike)

    def _models(self, name: str, patterns: Iterable[str]) -> list[CsvRow]:
        rows = self.rows.get(name, [])
        return [
            r for model in pick({r["model"] for r in rows}, patterns) for r in rows if r["model"] == model
        ]

    def _one(self, name: str, **wanted: str) -> CsvRow | None:
        rows = self.rows.get(name, [])
        return next((row for row in rows if all(row[k] == v for k, v in wanted.items())), None)


def _listed(values: Mapping[str, str], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {values[name]}" for name in names if name in values) or _UNKNOWN


def _numbers(row: CsvRow, *names: str) -> dict[str, float | str]:
    return {name: float(row[name]) for name in names if row[name]}


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
