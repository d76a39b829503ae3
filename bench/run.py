"""One run: which models on which data sets, each part in turn, tables on the way and CSVs at the end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench import host, report
from bench.baselines import BASELINES, open_baselines
from bench.cache import default_cache
from bench.candidates import Candidate, find_candidates
from bench.faces import DEFAULT_DATASETS, TestSet, check_is_there
from bench.gallery import save_gallery
from bench.protocol import accuracy_sets, is_brief, robustness_groups
from bench.report.result_set import ResultSet, forget_the_rest
from bench.results import RESULTS, table, write_rows
from bench.scores import common_schemes
from bench.tasks import accuracy, kaggle_cli, latency, paired, robustness
from fkp.datasets import available, find_data_root
from fkp.runtime.sessions import available_providers, provider_names

_QUICK_FACES, _QUICK_ROBUSTNESS_FACES = 16, 4
_ROUNDS, _QUICK_ROUNDS = 200, 20  # of a few models that take turns
_FACE_ROUNDS, _QUICK_FACE_ROUNDS = 50, 3  # of all models of a run

_ACCURACY_COLUMNS = {
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
_LATENCY_COLUMNS = {
    "model": "model",
    "kind": "what",
    "provider": "provider",
    "threads": "threads",
    "batch": "batch",
    "median_ms": "median ms",
    "p90_ms": "p90 ms",
    "p99_ms": "p99 ms",
    "faces_per_s": "faces/s",
    "gmacs_per_s": "G mult-adds/s",
    "peak_share": "% of peak",
    "memory_mb": "memory MB",
}
_TURNS_COLUMNS = {
    "model": "model",
    "provider": "provider",
    "threads": "threads",
    "median_ms": "median ms",
    "ratio": "ratio",
    "ratio_from": "95 % from",
    "ratio_to": "to",
}
_ROBUSTNESS_COLUMNS = {
    "model": "model",
    "dataset": "data set",
    "kind": "what",
    "nme": "NME %",
    "wobble": "wobble %",
    "lost": "lost %",
}
_GET_DATA = """\
No data found, so accuracy and robustness are not measured. To get the public data sets:
  python -m fkp data get ibug    (and imm, ytf; into ./data)
or say where they are with --data DIR or the environment variable FKP_DATA."""


def run(args: argparse.Namespace) -> int:
    """Run the wanted parts; returns the exit code."""
    if args.command == "report":
        return _report(args)
    if args.compare:
        return _compare(args)
    return _Run(args).parts()


class _Run:
    """What the parts of one run share."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._cache = default_cache()
        self._quick = args.quick
        self._out: Path = args.out / "quick" if args.quick else args.out
        self._results: Path = self._out if args.quick else args.results
        self._root = None if args.command == "latency" else find_data_root(args.data)
        for folder in (self._out, self._results):
            _check_writable(folder)
        provider_names(args.providers)  # says which one is unknown
        self._threads = args.threads or _default_threads()
        models, self._problems = _find(args.models, args.providers, 1)
        if self._quick and not args.models:
            models = [model for model in models if not is_brief(model)] or models
        self._models, self._baselines = models, open_baselines(args.baselines)
        self._all = [*self._models, *self._baselines]
        for problem in self._problems:
            print(f"skipped: {problem}", file=sys.stderr)
        if not self._all:
            raise ValueError("there is no model to measure: `python -m fkp export` one, or give --models")

    def parts(self) -> int:
        wanted = self._args.command
        steps: Mapping[str, Sequence[Callable[[], None]]] = {
            "accuracy": [self._accuracy],
            "robustness": [self._robustness],
            "latency": [self._latency],
            "all": [self._accuracy, self._robustness, self._kaggle, self._latency],
        }
        if self._root is None and wanted != "latency":
            self._without_data()
            steps = {"all": [self._latency]}
        elif self._root is not None and not available(self._root):
            more = f"`python -m fkp data check {self._root}` says more"
            raise ValueError(f"there is no known data set in {self._root}: {more}")
        for step in steps.get(wanted, []):
            step()
        if wanted == "all" and self._root is not None and not self._quick:
            _report(self._args)
        for problem in self._problems:
            print(f"not measured: {problem}", file=sys.stderr)
        return 1 if self._problems else 0

    def _without_data(self) -> None:
        print(_GET_DATA)
        names = {model.name for model in self._all}
        rows = [
            _numbers(row)
            for row in ResultSet.read(self._args.results).accuracy
            if row["boxes"] == "truth"
            and row["model"] in names
            and row["dataset"] in (self._args.datasets or [row["dataset"]])
        ]
        if rows:
            print("\nAccuracy of these models, measured earlier (true boxes):")
            print(table(rows, _ACCURACY_COLUMNS))

    @cached_property
    def _datasets(self) -> list[str]:
        if self._root is None:
            return []
        there = available(self._root)
        wanted = self._args.datasets or [name for name in DEFAULT_DATASETS if name in there]
        for name in wanted:
            check_is_there(name, self._root)
        return wanted

    def _accuracy(self) -> None:
        rows: list[dict[str, Any]] = []
        ced: list[dict[str, Any]] = []
        shown: list[dict[str, Any]] = []
        limit = _QUICK_FACES if self._quick else None
        for dataset in self._datasets:
            for test_set, members in accuracy_sets(self._all, dataset, self._root or Path(), limit):
                measured = accuracy.measure(members, test_set, self._cache)
                if not measured:
                    print(f"not measured: {dataset} holds no face with points", file=sys.stderr)
                    continue
                for candidate in members:
                    value = measured[candidate.name]
                    rows += value.rows
                    ced += value.ced
                    fullest = common_schemes(candidate.scheme.name, test_set.scheme)[0]
                    shown += [row for row in value.rows if row["scheme"] == fullest]
                accuracy.write_images(self._out / "faces", dataset, measured)
                if not self._quick:
                    for candidate in members:
                        gallery = self._out / "gallery"
                        save_gallery(candidate, test_set, measured[candidate.name], gallery)
        if not rows:
            self._problems.append(f"none of these models has points for {', '.join(self._datasets)}")
            return
        self._keep("accuracy", rows)
        self._keep("ced", ced)
        for source in ("truth", "detector"):
            print(f"\nAccuracy, boxes: {source}")
            print(table([row for row in shown if row["boxes"] == source], _ACCURACY_COLUMNS))

    def _robustness(self) -> None:
        rows: list[dict[str, Any]] = []
        most = _QUICK_ROBUSTNESS_FACES if self._quick else robustness.FACES
        for scheme, names in robustness.PREFERRED.items():
            members = [c for c in self._all if c.scheme.name == scheme]
            there = [name for name in names if name in self._datasets]
            for faces, group in robustness_groups(members, most) if there else ():
                test_set = TestSet(there[0], self._root or Path(), most if self._quick else None)
                for part in robustness.measure(group, test_set, scheme, faces, self._cache).values():
                    rows += part
        self._keep("robustness", rows)
        print("\nRobustness (capped NME in %, lower is better)")
        kinds = ("clean", "summary", "mirror", "jitter", "jitter smoothed")
        shown = [row for row in rows if row["kind"] in kinds]
        print(table(shown, _ROBUSTNESS_COLUMNS))

    def _kaggle(self) -> None:
        members = [c for c in self._models if c.scheme.name == "ibug68"]
        if self._quick or not members or "kaggle-test" not in self._datasets:
            return
        rows = kaggle_cli.measure(members, self._root or Path(), self._out, self._cache)
        self._keep("kaggle", rows)
        print("\nKaggle CS194-26")
        print(table(rows, {"model": "model", "images": "images", "covered": "with points", "mae": "MAE px"}))

    def _latency(self) -> None:
        effort = latency.QUICK if self._quick else latency.Effort()
        threads = self._args.threads or ([1] if self._quick else self._threads)
        providers = self._args.providers or [name for name in available_providers() if name != "tensorrt"]
        rows: list[dict[str, Any]] = []
        for candidate in self._models:
            brief = is_brief(candidate)
            counts, batches = (threads[:1], (1,)) if brief else (threads, latency.BATCHES)
            most = latency.BRIEF if brief and not self._quick else effort
            rows += latency.measure(candidate, providers, counts, batches, most, self._cache)
        rows += self._faces_in_turns(providers, threads)
        self._keep("latency", rows)
        print(f"\nLatency on {host.cpu_name()}, {host.usable_cores()} cores")
        print(table(rows, _LATENCY_COLUMNS))
        if latency.was_busy(rows):
            print("The machine was busy with other work: some of these times are too long. Measure again.")

    def _faces_in_turns(self, providers: Sequence[str], threads: Sequence[int]) -> list[dict[str, Any]]:
        """The times of a face on each provider: of all models on the first number of threads, where the
        baselines are, too; of those to choose from on the others."""
        rounds = _QUICK_FACE_ROUNDS if self._quick else _FACE_ROUNDS
        rows: list[dict[str, Any]] = []
        for provider in providers:
            found, _ = _find(self._args.models, [provider], None)
            names = {model.name for model in self._models}
            models = [c for c in found if c.name in names and c.provider == provider]
            for count in threads:
                members = models if count == threads[0] else [c for c in models if not is_brief(c)]
                if count == 1 and provider == providers[0]:
                    members = [*members, *self._baselines]
                if members:
                    rows += latency.measure_faces(members, count, rounds, self._cache)
        return rows

    def _keep(self, part: str, rows: Sequence[Mapping[str, Any]]) -> None:
        write_rows(self._results, part, host.host_kind(), host.today(), rows)


def _numbers(row: Mapping[str, str]) -> dict[str, Any]:
    """A row of an accuracy CSV with its figures as numbers, so that they are shown as such."""
    figures = ("missed", "nme", "nme_median", "fr8", "auc8", "mae")
    return {**row, **{name: float(row[name]) for name in figures if row.get(name)}}


def _compare(args: argparse.Namespace) -> int:
    wanted = list(dict.fromkeys(args.compare))
    baselines = [name for name in wanted if name in BASELINES]
    files = [name for name in wanted if name not in BASELINES]
    if args.models or args.baselines:
        raise ValueError(
            "--compare itself takes the models and baselines: leave out --models and --baselines"
        )
    if baselines and args.threads not in (None, [1]):
        raise ValueError("baselines run on one thread: leave out --threads")
    candidates, problems = _find(files, args.providers, None) if files else ([], [])
    if problems or len(wanted) < 2:
        raise ValueError("; ".join(problems) or "at least two different models are wanted")
    found = dict(zip([*files, *baselines], [*candidates, *open_baselines(baselines)], strict=True))
    ordered = [found[name] for name in wanted]
    first = ordered[0]
    rows: list[dict[str, Any]] = []
    for threads in [1] if baselines else args.threads or _default_threads():
        clocks = [latency.face_clock(candidate, threads) for candidate in ordered]
        times = paired.times_in_turns(clocks, _QUICK_ROUNDS if args.quick else _ROUNDS)
        for candidate, own in zip(ordered, times, strict=True):
            ratio = paired.ratio(times[0], own)
            figures = {"ratio": ratio.median, "ratio_from": ratio.low, "ratio_to": ratio.high}
            setting = {"rival": first.name, "rival_sha256": first.sha256, "threads": threads}
            setting |= {"median_ms": float(np.median(own))}
            rows.append(candidate.names | latency.facts(candidate) | setting | figures)
    if not args.quick:
        write_rows(args.results, "turns", host.host_kind(), host.today(), rows)
    print(f"In turns on {host.cpu_name()}: median time of a face, and its ratio to that of {first.name}")
    print(table(rows, _TURNS_COLUMNS))
    return 0


def _default_threads() -> list[int]:
    return sorted({1, host.usable_cores()})


def _find(
    names: Sequence[str] | None, providers: Sequence[str] | None, threads: int | None
) -> tuple[list[Candidate], list[str]]:
    """As `find_candidates`, without files that call themselves like a baseline."""
    candidates, problems = find_candidates(names, providers, threads)
    imposters = [c for c in candidates if c.name in BASELINES]
    problems += [f"{c.path} calls itself {c.name}, which is the name of a baseline" for c in imposters]
    return [c for c in candidates if c not in imposters], problems


def _check_writable(folder: Path) -> None:
    """Says before anything is measured that its results could not be kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be made: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{folder} cannot be written to")


def _report(args: argparse.Namespace) -> int:
    if args.forget:
        print(f"deleted {forget_the_rest(args.results)} rows that count no more")
    root = report.ROOT if args.results.resolve() == RESULTS.resolve() else args.results
    for path in report.write(args.results, root):
        print(f"wrote {path}")
    return 0
