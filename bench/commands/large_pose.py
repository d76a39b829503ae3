"""`python -m bench large-pose`."""

from __future__ import annotations

import argparse

from bench import host
from bench.candidates import find_candidates
from bench.commands.session import add_results
from bench.faces import check_is_there
from bench.results import row_table, write_rows
from bench.tasks import large_pose
from bench.tasks.large_pose import FITTED_ON, TEST_SET
from fkp.datasets import load
from fkp.datasets.options import add_data, data_root
from fkp.errors import UsageError

_COLUMNS = {
    "model": "model",
    "pose": "head",
    "faces": "faces",
    "nme": "error %",
    "nme_same_style": "in its style %",
    "auc_hidden": "AUC hidden",
    "auc_covered": "AUC covered",
    "calibration_error": "calibration error",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `large-pose`."""
    parser = commands.add_parser(
        "large-pose",
        help="errors and visibility of points at any head turn",
        description=f"Errors of the annotated points of {TEST_SET} over the square root of their box's area, "
        "with true boxes in one pass: unchanged, and corrected by each point's mean offset between the "
        f"annotation styles of model and data set, fitted on {FITTED_ON}. For models that predict "
        "visibility, ROC-AUC of visible points against self-occluded ones and against covered ones.",
    )
    models = "names or .onnx files (default: all exported ones with such points)"
    parser.add_argument("--models", nargs="+", metavar="MODEL", help=models)
    add_data(parser)
    add_results(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    root = data_root(args.data)
    for name in (TEST_SET, FITTED_ON):
        check_is_there(name, root)
    test, fitting = load(TEST_SET, root), load(FITTED_ON, root)
    candidates, problems = find_candidates(args.models, ["cpu"], 1)
    if problems:
        raise UsageError(problems[0])
    able = [candidate for candidate in candidates if candidate.scheme.name == test[0].scheme]
    if not able:
        raise UsageError(f"none of the models has the points of {TEST_SET}, {test[0].scheme}")
    rows = [row for candidate in able for row in large_pose.measure(candidate, test, fitting)]
    print(row_table(rows, _COLUMNS))
    for path in write_rows(args.results, rows, host.host_kind(), host.today()):
        print(path)
    return 0
