"""`python -m bench confidence`."""

from __future__ import annotations

import argparse

from bench import host
from bench.candidates import find_candidates
from bench.commands.session import add_results
from bench.faces import TestSet, check_is_there
from bench.results import row_table, write_rows
from bench.tasks import calibration
from fkp.datasets.options import add_data, data_root
from fkp.errors import UsageError

_COLUMNS = {
    "model": "model",
    "group": "faces",
    "faces": "number",
    "nme": "NME %",
    "fr8": "FR@8 %",
    "score": "score",
    "rank_correlation": "rank correlation",
    "point_rank_correlation": "of single points",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `confidence`."""
    words = "rank correlation of scores and errors, and errors by head turn (true boxes, one pass)"
    parser = commands.add_parser("confidence", help=words, description=words)
    add = parser.add_argument
    models = "names or .onnx files (default: all exported ones with such points)"
    add("--models", nargs="+", metavar="MODEL", help=models)
    add("--dataset", default="300w-common", metavar="NAME", help="data set (default: %(default)s)")
    add_data(parser)
    add_results(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    root = data_root(args.data)
    check_is_there(args.dataset, root)
    test_set = TestSet(args.dataset, root)
    candidates, problems = find_candidates(args.models, ["cpu"], 1)
    if problems:
        raise UsageError(problems[0])
    able = [candidate for candidate in candidates if candidate.scheme.name == test_set.scheme]
    if not able:
        raise UsageError(f"none of the models has the points of {args.dataset}, {test_set.scheme}")
    rows = [row for candidate in able for row in calibration.measure(candidate, test_set)]
    print(row_table(rows, _COLUMNS))
    for path in write_rows(args.results, rows, host.host_kind(), host.today()):
        print(path)
    return 0
