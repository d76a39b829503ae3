"""`python -m fkp detector`: train and export the face detector."""

from __future__ import annotations

import argparse
from pathlib import Path

from fkp.datasets import DataError, find_data_root, load
from fkp.images import ImageError
from fkp.training.cli import MISSING_DATA, add_runs
from fkp.training.detection.recipe import FACE_DETECTOR, STAGES
from fkp.training.run import Run, RunError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Adds `detector` with its own commands."""
    parser = subparsers.add_parser("detector", help="train and export the face detector")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser(
        "train",
        help="train it, or resume its run",
        description="Trains the face detector on random scenes made of the training pictures, with the "
        "faces that `python -m fkp data label` found in them.",
    )
    train.add_argument("--data", type=Path, metavar="DIR", help="data root (default: $FKP_DATA, then ./data)")
    add_runs(train)
    train.add_argument("--restart", action="store_true", help="begin anew, even if the run exists")
    train.add_argument("--workers", type=int, default=0, help="processes that make scenes (default 0)")
    train.add_argument("--threads", type=int, metavar="N", help="threads of the training process")
    train.set_defaults(func=_train)
    export = commands.add_parser("export", help="write it as an .onnx file")
    add_runs(export)
    export.add_argument("--out", type=Path, metavar="DIR", help="folder (default: exported/detectors)")
    export.set_defaults(func=_export)


def _train(args: argparse.Namespace) -> int:
    import torch

    from fkp.training.detection.loop import DetectorTrainer
    from fkp.training.detection.pictures import load_pictures

    root = find_data_root(args.data)
    if root is None:
        raise SystemExit(MISSING_DATA)
    if args.threads:
        torch.set_num_threads(args.threads)
    try:
        pictures = load_pictures(root, FACE_DETECTOR.sure)
        for recipe in STAGES:
            trainer = DetectorTrainer(
                recipe, pictures, load(recipe.validation, root), args.runs / recipe.name,
                restart=args.restart, workers=args.workers,
            )  # fmt: skip
            run = trainer.train()
    except (DataError, ImageError, FileNotFoundError, FloatingPointError, RunError) as error:
        raise SystemExit(str(error)) from error
    print(f"trained; see {run.folder}, and export it with `python -m fkp detector export`")
    return 0


def _export(args: argparse.Namespace) -> int:
    from fkp.runtime.index import models_folder
    from fkp.training.detection.export import export_detector

    out = args.out or models_folder() / "detectors"
    try:
        path = export_detector(FACE_DETECTOR, Run(args.runs / FACE_DETECTOR.name), out)
    except RunError as error:
        raise SystemExit(str(error)) from error
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    return 0
