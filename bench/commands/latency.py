"""`python -m bench latency`, and with `--compare` models against each other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from bench import host
from bench.baselines import BASELINES, open_baselines
from bench.commands.session import Session, add_options, find_models
from bench.protocol import is_reduced
from bench.results import row_table, write_rows
from bench.rows import InterleavedRow, LatencyRow
from bench.tasks import latency
from bench.timing import Effort, interleaved_times, ratio
from fkp.datasets.options import positive
from fkp.errors import UsageError
from fkp.runtime.sessions import available_providers

_FACE_ROUNDS, _QUICK_FACE_ROUNDS = 50, 3  # of all models of a run
_COMPARE_ROUNDS, _QUICK_COMPARE_ROUNDS = 200, 20  # of a few models

_COLUMNS = {
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
_COMPARE_COLUMNS = {
    "model": "model",
    "provider": "provider",
    "threads": "threads",
    "median_ms": "median ms",
    "ratio": "ratio",
    "ratio_from": "95 % from",
    "ratio_to": "to",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `latency`."""
    words = "the network alone, one face, and the whole way from file to picture"
    parser = commands.add_parser("latency", help=words, description=words)
    add_options(parser, with_data=False)
    add_threads(parser)
    parser.add_argument(
        "--compare", nargs="+", metavar="MODEL", help="interleaved times of these models and baselines"
    )
    parser.set_defaults(func=_run)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    words = "default: 1, and all cores"
    parser.add_argument("--threads", nargs="+", type=positive, metavar="N", help=words)


def _run(args: argparse.Namespace) -> int:
    if args.compare:
        return _compare(args)
    session = Session.open(args, with_data=False)
    measure(session, args.threads)
    return session.finish()


def measure(session: Session, wanted: list[int] | None) -> None:
    """Take the times of all candidates, on these numbers of threads or on the default ones."""
    effort = latency.QUICK if session.quick else Effort()
    threads = wanted or ([1] if session.quick else _default_threads())
    providers = session.providers or [name for name in available_providers() if name != "tensorrt"]
    rows: list[LatencyRow] = []
    for model in session.models:
        reduced = is_reduced(model)
        counts, batches = (threads[:1], (1,)) if reduced else (threads, latency.BATCHES)
        most = latency.REDUCED if reduced and not session.quick else effort
        rows += latency.measure(model, providers, counts, batches, most, session.cache)
    rows += _interleaved_faces(session, providers, threads)
    session.keep(rows)
    print(f"\nLatency on {host.cpu_name()}, {host.usable_cores()} cores")
    print(row_table(rows, _COLUMNS))
    if latency.was_busy(rows):
        print("The machine was busy with other work: some of these times are too long. Measure again.")


def _interleaved_faces(
    session: Session, providers: Sequence[str], threads: Sequence[int]
) -> list[LatencyRow]:
    """The times of a face on each provider: of all models and the baselines on the first number of threads,
    of the models with the full protocol on the others."""
    rounds = _QUICK_FACE_ROUNDS if session.quick else _FACE_ROUNDS
    rows: list[LatencyRow] = []
    for provider in providers:
        found, _ = find_models(session.names, [provider], None)
        names = {model.name for model in session.models}
        models = [c for c in found if c.name in names and c.provider == provider]
        for count in threads:
            members = models if count == threads[0] else [c for c in models if not is_reduced(c)]
            if count == 1 and provider == providers[0]:
                members = [*members, *session.baselines]
            if members:
                rows += latency.measure_faces(members, count, rounds, session.cache)
    return rows


def _compare(args: argparse.Namespace) -> int:
    wanted = list(dict.fromkeys(args.compare))
    baselines = [name for name in wanted if name in BASELINES]
    files = [name for name in wanted if name not in BASELINES]
    if args.models or args.baselines:
        raise UsageError(
            "--compare itself takes the models and baselines: leave out --models and --baselines"
        )
    if baselines and args.threads not in (None, [1]):
        raise UsageError("baselines run on one thread: leave out --threads")
    candidates, problems = find_models(files, args.providers, None) if files else ([], [])
    if problems or len(wanted) < 2:
        raise UsageError("; ".join(problems) or "at least two different models are needed")
    found = dict(zip([*files, *baselines], [*candidates, *open_baselines(baselines)], strict=True))
    ordered = [found[name] for name in wanted]
    first = ordered[0]
    rows: list[InterleavedRow] = []
    for threads in [1] if baselines else args.threads or _default_threads():
        clocks = [latency.face_clock(candidate, threads) for candidate in ordered]
        times = interleaved_times(clocks, _QUICK_COMPARE_ROUNDS if args.quick else _COMPARE_ROUNDS)
        for candidate, own in zip(ordered, times, strict=True):
            beside = ratio(times[0], own)
            row = InterleavedRow(
                **candidate.names,
                **host.facts(candidate.versions),
                rival=first.name,
                rival_sha256=first.sha256,
                threads=threads,
                median_ms=float(np.median(own)),
                ratio=beside.median,
                ratio_from=beside.low,
                ratio_to=beside.high,
            )
            rows.append(row)
    if not args.quick:
        write_rows(args.results, rows, host.host_kind(), host.today())
    print(f"Interleaved on {host.cpu_name()}: median time of a face, and its ratio to that of {first.name}")
    print(row_table(rows, _COMPARE_COLUMNS))
    return 0


def _default_threads() -> list[int]:
    return sorted({1, host.usable_cores()})
