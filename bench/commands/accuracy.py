"""`python -m bench accuracy`."""

from __future__ import annotations

import argparse
import sys

from bench.commands.session import ACCURACY_COLUMNS, Session, add_datasets, add_options
from bench.faces import DETECTOR, TRUTH
from bench.gallery import save_gallery
from bench.protocol import accuracy_sets
from bench.results import row_table
from bench.rows import AccuracyRow, CedRow
from bench.scores import common_schemes
from bench.tasks import accuracy

_QUICK_FACES = 16


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `accuracy`."""
    words = "errors on every data set, for true boxes, the data set's boxes and detected ones"
    parser = commands.add_parser("accuracy", help=words, description=words)
    add_options(parser)
    add_datasets(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    session = Session.open(args)
    if session.has_data():
        measure(session)
    return session.finish()


def measure(session: Session) -> None:
    """Measure all candidates on all data sets; write single faces, galleries and the results."""
    assert session.root is not None
    rows: list[AccuracyRow] = []
    ced: list[CedRow] = []
    shown: list[AccuracyRow] = []
    limit = _QUICK_FACES if session.quick else None
    for dataset in session.datasets:
        for test_set, members in accuracy_sets(session.candidates, dataset, session.root, limit):
            measured = accuracy.measure(members, test_set, session.cache)
            if not measured:
                print(f"not measured: {dataset} holds no face with points", file=sys.stderr)
                continue
            accuracy.write_faces(session.out / "faces", dataset, measured)
            for candidate in members:
                value = measured[candidate.name]
                rows += value.rows
                ced += value.ced
                fullest = common_schemes(candidate.scheme.name, test_set.scheme)[0]
                shown += [row for row in value.rows if row.scheme == fullest and row.passes == 1]
                if not session.quick:
                    save_gallery(candidate, test_set, value, session.out / "gallery")
    if not rows:
        session.problems.append(f"none of these models has points for {', '.join(session.datasets)}")
        return
    session.keep(rows)
    session.keep(ced)
    for kind in (TRUTH, DETECTOR):
        print(f"\nAccuracy, boxes: {kind}")
        print(row_table([row for row in shown if row.boxes == kind], ACCURACY_COLUMNS))
