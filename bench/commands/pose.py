"""`python -m bench pose`."""

from __future__ import annotations

import argparse

from bench import host
from bench.candidates import find_candidates
from bench.commands.session import add_results
from bench.faces import TestSet, check_is_there
from bench.results import row_table, write_rows
from bench.tasks import pose
from fkp.datasets.options import add_data, data_root
from fkp.errors import UsageError

_COLUMNS = {
    "model": "model",
    "angle": "angle",
    "points": "points",
    "group": "faces",
    "faces": "number",
    "mae": "MAE deg",
    "mae_from": "from",
    "mae_to": "to",
    "median": "median",
    "bias": "bias",
    "within": "within 1 sd %",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `pose`."""
    words = "errors of the head's yaw, and of its roll in rotated pictures (true boxes, one pass)"
    parser = commands.add_parser("pose", help=words, description=words)
    add = parser.add_argument
    add("--models", nargs="+", default=["fkp68-base"], metavar="MODEL", help="names or .onnx files")
    add("--dataset", default="merl-rav-test", metavar="NAME", help="data set (default: %(default)s)")
    add_data(parser)
    add_results(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    root = data_root(args.data)
    check_is_there(args.dataset, root)
    test_set = TestSet(args.dataset, root)
    if not any(face.yaw is not None for face in test_set.faces):
        raise UsageError(f"the data set {args.dataset} does not say the yaw of any face")
    candidates, problems = find_candidates(args.models, ["cpu"], 1)
    problems += [
        f"{candidate.name} has not the points of {args.dataset}, {test_set.scheme}"
        for candidate in candidates
        if candidate.scheme.name != test_set.scheme
    ]
    if problems:
        raise UsageError(problems[0])
    rows = [row for candidate in candidates for row in pose.measure(candidate, test_set)]
    print(row_table(rows, _COLUMNS))
    for path in write_rows(args.results, rows, host.host_kind(), host.today()):
        print(path)
    return 0
