"""`python -m fkp data`: get public data sets, check them, fit boxes to them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fkp.datasets.boxes import fit_box_map
from fkp.datasets.catalogue import DATASETS, available, find_data_root, load
from fkp.datasets.check import check, find_sources, table
from fkp.datasets.download import ARCHIVES, DownloadError, get
from fkp.images import load_image

_FIT_ON = "ibug-train"
_SHOWN_PROBLEMS = 20


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Adds `data` with its own commands."""
    parser = subparsers.add_parser("data", help="get and check data sets")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_check(commands)
    _add_get(commands)
    _add_fit_boxes(commands)


def _add_check(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "check",
        help="say what is there and what is wrong with it",
        description="Reads all annotations and decodes all pictures; exits with 1 if something is wrong.",
    )
    parser.add_argument("path", type=Path, help="a data root, a data set's folder, or an .xml of dlib's")
    parser.add_argument("--skip-broken", action="store_true", help="count what is broken, and exit with 0")
    parser.set_defaults(func=_check)


def _add_get(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("get", help="download a public data set, or go on with it")
    parser.add_argument("name", choices=ARCHIVES, help="the data set")
    parser.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="data root (data/)")
    parser.set_defaults(func=_get)


def _add_fit_boxes(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "fit-boxes", help="measure how the boxes of face detectors lie to the landmarks' tight boxes"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="data root (default: $FKP_DATA, then data/)")
    parser.set_defaults(func=_fit_boxes)


def _check(args: argparse.Namespace) -> int:
    sources = find_sources(args.path)
    if not sources:
        raise SystemExit(f"{args.path} holds no known layout (dlib's XML, .pts, the YTF CSVs, IMM's .asf)")
    findings = [check(source) for source in sources]
    print(table(findings))
    if names := available(args.path):
        print(f"data sets there: {', '.join(names)}")
    problems = [problem for finding in findings for problem in finding.problems]
    if not problems:
        print("nothing is wrong")
        return 0
    for problem in problems[:_SHOWN_PROBLEMS]:
        print(problem)
    if len(problems) > _SHOWN_PROBLEMS:
        print(f"... and {len(problems) - _SHOWN_PROBLEMS} more")
    print(f"{'skipped' if args.skip_broken else 'wrong'}: {len(problems)}")
    return 0 if args.skip_broken else 1


def _get(args: argparse.Namespace) -> int:
    try:
        folder = get(ARCHIVES[args.name], args.out)
    except DownloadError as error:
        raise SystemExit(str(error)) from error
    print(f"{folder} is ready; check it with `python -m fkp data check {args.out}`")
    return 0


def _fit_boxes(args: argparse.Namespace) -> int:
    # The one place where data meets a detector: datasets and runtime stay apart otherwise.
    from fkp.runtime.detectors import HaarDetector

    root = find_data_root(args.data)
    if root is None:
        raise SystemExit("no data found: give --data DIR, set FKP_DATA, or `python -m fkp data get ibug`")
    samples = load(_FIT_ON, root)
    haar = HaarDetector()
    sources: Mapping[str, Iterable[NDArray]] = {
        "DLIB_BOX": (np.array([sample.given_box]) for sample in samples),
        "HAAR_BOX": (haar.raw_boxes(load_image(sample.image))[0] for sample in tqdm(samples, desc="Haar")),
    }
    for name, found in sources.items():
        box_map, count = fit_box_map(samples, found)
        print(f"{name} = {box_map}  # {count} of {len(samples)} faces, {DATASETS[_FIT_ON].title}")
    return 0
