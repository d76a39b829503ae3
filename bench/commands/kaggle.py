"""`python -m bench kaggle submit | score`, and the part of a full run that scores every model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.candidates import find_candidates
from bench.commands.session import Session
from bench.results import row_table, table
from bench.tasks import kaggle
from bench.tasks.submission import (
    Score,
    contest_images,
    find_xml,
    known_points,
    read_submission,
    score,
    write_submission,
)
from fkp.datasets import find_data_root
from fkp.errors import UsageError
from fkp.schemes import IBUG68

_COLUMNS = {"model": "model", "images": "images", "covered": "with points", "mae": "MAE px"}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `kaggle` with its two commands."""
    words = "submissions for the Kaggle contest CS194-26"
    parser = commands.add_parser("kaggle", help=words, description=words)
    parts = parser.add_subparsers(required=True, metavar="COMMAND")
    submit = parts.add_parser("submit", help="predict the contest's images and write the CSV")
    submit.add_argument("--model", required=True, help="a name of exported/index.json, or an .onnx file")
    data = "data root (default: $FKP_DATA, then ./data), folder or XML"
    submit.add_argument("--data", type=Path, metavar="DIR", help=data)
    submit.add_argument("--out", type=Path, required=True, metavar="CSV", help="the file to write")
    submit.set_defaults(func=_submit)
    compare = parts.add_parser("score", help="check submissions, score them and compare them")
    compare.add_argument("submissions", type=Path, nargs="+", metavar="CSV", help="one, or some to compare")
    compare.add_argument("--truth", type=Path, required=True, metavar="PATH", help="XML, or its folder")
    compare.add_argument("--images", type=Path, metavar="XML", help="the list of images, if another")
    compare.set_defaults(func=_score)


def _submit(args: argparse.Namespace) -> int:
    candidates, problems = find_candidates([args.model], None, 1)
    if problems:
        raise UsageError(problems[0])
    (candidate,) = candidates
    if candidate.scheme is not IBUG68:
        raise UsageError(
            f"{candidate.name} predicts {candidate.scheme.name}; the contest wants {IBUG68.name}"
        )
    if (data := args.data or find_data_root(None)) is None:
        raise UsageError("give the folder of the contest's data with --data DIR, or in FKP_DATA")
    (points,), names = kaggle.predict_contest(candidates, find_xml(data))
    write_submission(args.out, points)
    read_submission(args.out, len(names))
    print(f"{args.out}: {len(names)} images, {points.size} values, valid")
    return 0


def _score(args: argparse.Namespace) -> int:
    xml = find_xml(args.truth)
    images = contest_images(find_xml(args.images) if args.images else xml)
    truth = known_points(xml)
    submissions = [read_submission(path, len(images)) for path in args.submissions]
    scores = [score(points, images, truth) for points in submissions]
    print(_describe(scores, [path.name for path in args.submissions]))
    return 0


def _describe(scores: Sequence[Score], titles: Sequence[str]) -> str:
    """The scores side by side; with two of them, a column of differences."""
    first = scores[0]
    lines = [("all", [s.mae for s in scores])]
    lines += [(region, [s.regions[region] for s in scores]) for region in first.regions]
    lines += [(f"{name} ({first.counts[name]})", [s.folders[name] for s in scores]) for name in first.folders]
    two = len(scores) == 2
    rows = [[name, *values, *([values[1] - values[0]] if two else [])] for name, values in lines]
    heads = ["MAE, pixels", *titles, *(["difference"] if two else [])]
    share = first.covered / first.images
    covered = f"points are known for {first.covered} of {first.images} images ({share:.0%})"
    return f"{table(heads, rows)}\n{covered}"


def measure(session: Session) -> None:
    """Score every 68-point model, where the contest's data is there."""
    members = [c for c in session.models if c.scheme is IBUG68]
    if session.quick or not members or session.root is None or "kaggle-test" not in session.datasets:
        return
    rows = kaggle.measure(members, session.root, session.out, session.cache)
    session.keep(rows)
    print("\nKaggle CS194-26")
    print(row_table(rows, _COLUMNS))
