"""`python -m bench report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import report
from bench.commands.session import add_results
from bench.report.result_set import forget_outdated
from bench.results import RESULTS


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `report`."""
    words = (
        "write LEADERBOARD.md, docs/leaderboard.html, docs/reports.md, the figures of the README and of the "
        "model cards, and summary.json beside the CSVs"
    )
    parser = commands.add_parser("report", help=words, description=words)
    add_results(parser)
    parser.add_argument("--forget", action="store_true", help="delete rows that are no longer valid")
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    if args.forget:
        print(f"deleted {forget_outdated(args.results)} rows that count no more")
    write(args.results)
    return 0


def write(results: Path) -> None:
    """Write the report: into the checkout for its own results, else into their folder."""
    root = report.ROOT if results.resolve() == RESULTS.resolve() else results
    for path in report.write(results, root):
        print(f"wrote {path}")
