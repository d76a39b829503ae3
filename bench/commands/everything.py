"""`python -m bench`, or `python -m bench all`."""

from __future__ import annotations

import argparse

from bench.commands import accuracy, kaggle, latency, report, robustness
from bench.commands.session import Session, add_datasets, add_options


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `all`."""
    words = "accuracy, robustness, Kaggle, latency and the report (what runs without a command)"
    parser = commands.add_parser("all", help=words, description=words)
    add_options(parser)
    add_datasets(parser)
    latency.add_threads(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    session = Session.open(args)
    has_data = session.has_data()
    if has_data:
        accuracy.measure(session)
        robustness.measure(session)
        kaggle.measure(session)
    latency.measure(session, args.threads)
    if has_data and not session.quick:
        report.write(session.results)
    return session.finish()
