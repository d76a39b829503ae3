"""What the commands that measure landmark models share: options, models, data, places for results."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import host
from bench.baselines import BASELINES, open_baselines
from bench.cache import Cache, default_cache
from bench.candidates import Candidate, find_candidates
from bench.faces import DEFAULT_DATASETS, TRUTH, check_is_there
from bench.protocol import is_reduced
from bench.report.result_set import ResultSet
from bench.results import RESULTS, row_table, write_rows
from bench.rows import Row
from fkp.datasets import available, find_data_root
from fkp.datasets.options import add_data
from fkp.errors import UsageError
from fkp.runtime.sessions import provider_names

ACCURACY_COLUMNS = {
    "model": "model",
    "dataset": "data set",
    "scheme": "points",
    "faces": "faces",
    "missed": "missed %",
    "nme": "NME %",
    "nme_median": "median %",
    "fr8": "FR@8 %",
    "auc8": "AUC@8 %",
    "mae": "MAE px",
}
_GET_DATA = """\
No data found, so accuracy and robustness are not measured. To get the public data sets:
  python -m fkp data get ibug    (and imm, ytf; into ./data)
or give their folder with --data DIR or the environment variable FKP_DATA."""


def add_options(parser: argparse.ArgumentParser, *, with_data: bool = True) -> None:
    """Add the options that choose models and places."""
    add = parser.add_argument
    add("--models", nargs="+", metavar="MODEL", help="names or .onnx files (default: all exported)")
    add("--baselines", nargs="+", choices=BASELINES, default=[], help="others' models, see bench/baselines")
    if with_data:
        add_data(parser)
    add(
        "--providers",
        nargs="+",
        type=str.lower,
        metavar="NAME",
        help="such as cpu, cuda, openvino (default: the best for errors; for times all but tensorrt)",
    )
    add("--quick", action="store_true", help="few faces and few runs, in under a minute")
    add("--out", type=Path, default=Path("bench-out"), metavar="DIR", help="faces, gallery, submissions")
    add_results(parser)


def add_results(parser: argparse.ArgumentParser) -> None:
    """Add `--results`."""
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="folder of the CSVs")


def add_datasets(parser: argparse.ArgumentParser) -> None:
    """Add `--datasets`."""
    parser.add_argument(
        "--datasets", nargs="+", metavar="NAME", help=f"default: {', '.join(DEFAULT_DATASETS)}"
    )


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a command.

    Attributes:
        models: the candidates with a file.
        baselines: the others.
        problems: a sentence for each model that is not measured.
        root: the data root, None without data.
        datasets: what to measure on.
        quick: a smoke test that keeps no results.
        out: folder of what is not published.
        results: folder of the CSVs.
        providers: those that were asked for.
        names: the models that were asked for, None for all.
        cache: what is measured already.
    """

    models: list[Candidate]
    baselines: list[Candidate]
    problems: list[str]
    root: Path | None
    datasets: list[str]
    quick: bool
    out: Path
    results: Path
    providers: list[str] | None
    names: list[str] | None
    cache: Cache

    @classmethod
    def open(cls, args: argparse.Namespace, *, with_data: bool = True) -> Session:
        """The session of parsed arguments; says which models are left out.

        Raises:
            UsageError: there is no model, or no data set in the root, or a folder cannot be written to.
        """
        out = args.out / "quick" if args.quick else args.out
        results = out if args.quick else args.results
        for folder in (out, results):
            _check_writable(folder)
        provider_names(args.providers)  # says which one is unknown
        root = find_data_root(args.data) if with_data else None
        models, problems = find_models(args.models, args.providers, 1)
        if args.quick and not args.models:
            models = [model for model in models if not is_reduced(model)] or models
        for problem in problems:
            print(f"skipped: {problem}", file=sys.stderr)
        baselines = open_baselines(args.baselines)
        if not models and not baselines:
            raise UsageError("there is no model to measure: `python -m fkp export` one, or give --models")
        datasets = _datasets(root, getattr(args, "datasets", None))
        return cls(
            *(models, baselines, problems, root, datasets, args.quick, out, results),
            *(args.providers, args.models, default_cache()),
        )

    @property
    def candidates(self) -> list[Candidate]:
        """The models and the baselines."""
        return [*self.models, *self.baselines]

    def has_data(self) -> bool:
        """Whether there is data; where there is none, says how to get some, and what was measured earlier."""
        if self.root is not None:
            return True
        print(_GET_DATA)
        names = {candidate.name for candidate in self.candidates}
        rows = [
            row
            for row in ResultSet.read(self.results).accuracy
            if row.boxes == TRUTH and row.model in names and row.dataset in (self.datasets or [row.dataset])
        ]
        if rows:
            print("\nAccuracy of these models, measured earlier (true boxes):")
            print(row_table(rows, ACCURACY_COLUMNS))
        return False

    def keep(self, rows: Sequence[Row]) -> None:
        """Write rows of one part into the results."""
        write_rows(self.results, rows, host.host_kind(), host.today())

    def finish(self) -> int:
        """The exit code: 1 where models were left out, which are named again."""
        for problem in self.problems:
            print(f"not measured: {problem}", file=sys.stderr)
        return 1 if self.problems else 0


def find_models(
    names: Sequence[str] | None, providers: Sequence[str] | None, threads: int | None
) -> tuple[list[Candidate], list[str]]:
    """As `find_candidates`, without files that call themselves like a baseline."""
    candidates, problems = find_candidates(names, providers, threads)
    impostors = [c for c in candidates if c.name in BASELINES]
    problems += [f"{c.path} calls itself {c.name}, which is the name of a baseline" for c in impostors]
    return [c for c in candidates if c not in impostors], problems


def _datasets(root: Path | None, wanted: list[str] | None) -> list[str]:
    if root is None:
        return wanted or []
    found = available(root)
    if not found:
        more = f"`python -m fkp data check {root}` says more"
        raise UsageError(f"there is no known data set in {root}: {more}")
    for name in wanted or []:
        check_is_there(name, root)
    return wanted or [name for name in DEFAULT_DATASETS if name in found]


def _check_writable(folder: Path) -> None:
    """Say before anything is measured that its results could not be kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder} cannot be written to")
