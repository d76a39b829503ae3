"""`python -m fkp detector`: train, export, quantize and recover the face detector."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fkp.datasets import load
from fkp.datasets.options import add_data, data_root, positive
from fkp.training.cli import add_runs
from fkp.training.detection.recipe import FACE_DETECTOR, STAGES, DetectorRecipe
from fkp.training.queue import is_finished
from fkp.training.run import Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RECOVERY_SCENES = 64  # whose statistics the recovered norms get


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add `detector` with its own commands."""
    parser = subparsers.add_parser("detector")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser(
        "train",
        help="train it, or resume its run",
        description="Train the face detector on random scenes made of the training pictures, with the "
        "faces that `python -m fkp data label` found in them. Training has stages; those before a finished "
        "one are skipped.",
    )
    add_data(train)
    add_runs(train)
    train.add_argument("--restart", action="store_true", help="start over with the first stage")
    train.add_argument("--workers", type=int, default=0, help="processes that make scenes (default 0)")
    train.add_argument("--threads", type=positive, metavar="N", help="threads of the training process")
    train.set_defaults(func=_train)
    export = commands.add_parser("export", help="write it as an .onnx file")
    add_runs(export)
    export.add_argument("--out", type=Path, metavar="DIR", help="folder (default: exported/detectors)")
    export.set_defaults(func=_export)
    quantize = commands.add_parser(
        "quantize",
        help="quantize the exported file to 8-bit integers",
        description="Calibrate on training scenes, check recall on validation pictures, and write the "
        "file that `Landmarker` uses.",
    )
    quantize.add_argument("--out", type=Path, metavar="DIR", help="its folder (default: exported/detectors)")
    add_data(quantize)
    quantize.set_defaults(func=_quantize)
    recover = commands.add_parser(
        "recover",
        help="make a run of the exported file, to continue its training",
        description="Write the weights of an exported detector as those of a stage's run, so that training "
        "continues with the next stage.",
    )
    stages = [recipe.name for recipe in STAGES]
    recover.add_argument("stage", choices=stages, metavar="STAGE", help=f"one of {', '.join(stages)}")
    recover.add_argument("--file", type=Path, metavar="FILE", help="default: the packaged one")
    add_data(recover)
    add_runs(recover)
    recover.set_defaults(func=_recover)


def _train(args: argparse.Namespace) -> int:
    import torch

    from fkp.training.detection.sources import load_pictures
    from fkp.training.detection.trainer import DetectorTrainer

    root = data_root(args.data)
    if args.threads:
        torch.set_num_threads(args.threads)
    stages = STAGES if args.restart else stages_left(args.runs)
    pictures = load_pictures(root, FACE_DETECTOR.sure)
    for recipe in stages:
        trainer = DetectorTrainer(recipe, args.runs / recipe.name, restart=args.restart, workers=args.workers)
        run = trainer.fit(pictures, load(recipe.validation, root))
    print(f"trained; see {run.folder}, and export it with `python -m fkp detector export`")
    return 0


def stages_left(runs: Path) -> Sequence[DetectorRecipe]:
    """The stages from the last one on whose predecessor is finished.

    Raises:
        RunError: one of them would replace final weights.
    """
    finished = [
        i for i, stage in enumerate(STAGES[:-1], start=1) if is_finished(stage, Run(runs / stage.name))
    ]
    left = STAGES[max(finished, default=0) :]
    for stage in left:
        Run(runs / stage.name).check_continues(stage.config.epochs)
    return left


def _export(args: argparse.Namespace) -> int:
    from fkp.export.detector_export import export_detector
    from fkp.runtime.folders import detectors_folder
    from fkp.runtime.index import refresh_index

    out = args.out or detectors_folder()
    path = export_detector(FACE_DETECTOR, Run(args.runs / FACE_DETECTOR.name), out)
    if args.out is None:
        refresh_index(out.parent)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    return 0


def _quantize(args: argparse.Namespace) -> int:
    from fkp.export.detector_quantize import quantize_detector
    from fkp.export.quantize import check_exported
    from fkp.runtime.folders import detectors_folder
    from fkp.runtime.index import refresh_index
    from fkp.training.detection.sources import load_pictures
    from fkp.training.detection.trainer import SceneDataset

    source = (args.out or detectors_folder()) / f"{FACE_DETECTOR.name}.onnx"
    check_exported(source, "detector export")
    root = data_root(args.data)
    pictures = load_pictures(root, FACE_DETECTOR.sure)
    path, before, after = quantize_detector(
        source, SceneDataset(pictures.people, FACE_DETECTOR),
        load(FACE_DETECTOR.validation, root), pictures.unseen_negatives,
    )  # fmt: skip
    if args.out is None:
        refresh_index(path.parent.parent)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    for figure, value in before.items():
        print(f"  {figure}: {value:.4f} -> {after[figure]:.4f}")
    return 0


def _recover(args: argparse.Namespace) -> int:
    from fkp.export.detector_recover import recover_detector
    from fkp.runtime.folders import detectors_folder

    recipe = next(stage for stage in STAGES if stage.name == args.stage)
    run = Run(args.runs / recipe.name)
    path = args.file or detectors_folder() / f"{FACE_DETECTOR.name}.onnx"
    difference = recover_detector(recipe, path, _recovery_scenes(recipe, data_root(args.data)), run)
    print(f"{run.weights}: scores within {difference:.1e} of those of {path}")
    return 0


def _recovery_scenes(recipe: DetectorRecipe, root: Path) -> Iterator[NDArray[np.uint8]]:
    from fkp.training.detection.sources import load_pictures
    from fkp.training.detection.trainer import SceneDataset

    scenes = SceneDataset(load_pictures(root, recipe.sure).people, recipe)
    for i in range(_RECOVERY_SCENES):
        yield scenes[i, i][0]
