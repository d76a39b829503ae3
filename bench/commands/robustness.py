"""`python -m bench robustness`."""

from __future__ import annotations

import argparse

from bench.commands.session import Session, add_options
from bench.faces import TestSet
from bench.protocol import robustness_groups
from bench.results import row_table
from bench.rows import RobustnessRow
from bench.tasks import robustness

_QUICK_FACES = 4
_SHOWN = ("clean", "summary", "mirror", "jitter", "jitter smoothed")
_COLUMNS = {
    "model": "model",
    "dataset": "data set",
    "kind": "what",
    "nme": "NME %",
    "wobble": "wobble %",
    "lost": "lost %",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `robustness`."""
    words = "errors under distortions, mirror consistency, jitter"
    parser = commands.add_parser("robustness", help=words, description=words)
    add_options(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    session = Session.open(args)
    if session.has_data():
        measure(session)
    return session.finish()


def measure(session: Session) -> None:
    """Measure all candidates, each on the first of its scheme's data sets that is there."""
    assert session.root is not None
    rows: list[RobustnessRow] = []
    most = _QUICK_FACES if session.quick else robustness.FACES
    for scheme, names in robustness.PREFERRED.items():
        members = [c for c in session.candidates if c.scheme.name == scheme]
        found = [name for name in names if name in session.datasets]
        for faces, group in robustness_groups(members, most) if found else ():
            test_set = TestSet(found[0], session.root, most if session.quick else None)
            for measured in robustness.measure(group, test_set, scheme, faces, session.cache).values():
                rows += measured
    session.keep(rows)
    print("\nRobustness (capped NME in %, lower is better)")
    print(row_table([row for row in rows if row.kind in _SHOWN], _COLUMNS))
