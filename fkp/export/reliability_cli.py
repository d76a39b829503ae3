"""`fkp calibrate`: from which score on a model's landmarks can be trusted."""

from __future__ import annotations

import argparse

from fkp.datasets import available, load
from fkp.datasets.options import add_data, data_root, positive
from fkp.errors import UsageError
from fkp.export.reliability import VALIDATION, choose, collect, write_limit


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command `calibrate`."""
    parser = subparsers.add_parser(
        "calibrate",
        description="Choose the mean score from which a model's landmarks can be trusted, on validation "
        "faces in four orientations, and write it into the model's description. Faces below it are searched "
        "again, rotated, and marked as not reliable where that does not help.",
    )
    parser.add_argument("model", help="a name of exported/index.json, or the path of an .onnx file")
    parser.add_argument("--every", type=positive, default=1, metavar="N", help="take every Nth face only")
    parser.add_argument("--dry-run", action="store_true", help="print the limit, write nothing")
    add_data(parser)
    parser.set_defaults(func=_calibrate)


def _calibrate(args: argparse.Namespace) -> int:
    from fkp.runtime.index import find_model, refresh_index
    from fkp.runtime.landmarker import Landmarker

    root = data_root(args.data)
    path, _ = find_model(args.model)
    there = [name for name in VALIDATION if name in available(root)]
    if not there:
        raise UsageError(f"none of {', '.join(VALIDATION)} is in {root}: see `fkp data check`")
    landmarker = Landmarker(path)
    samples = [sample for name in there for sample in load(name, root)[:: args.every]]
    scores = collect(landmarker, samples)
    limit = choose(scores)
    doubted, passed = scores.rates(limit)
    print(f"{landmarker.spec.name}: limit {limit:.2f}, on {', '.join(there)} in four orientations")
    print(f"  right faces doubted: {100 * doubted:.2f} % of {len(scores.right)}")
    print(f"  wrong faces trusted: {100 * passed:.2f} % of {len(scores.wrong)}")
    if not args.dry_run:
        write_limit(path, landmarker, limit)
        refresh_index(path.parent)
        print(f"wrote {path}")
    return 0
