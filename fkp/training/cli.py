"""`python -m fkp train` and `python -m fkp export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from fkp.datasets import DataError, Sample, as_scheme, find_data_root, load
from fkp.images import ImageError, load_image
from fkp.training.catalogue import RECIPES, get_recipe
from fkp.training.run import Run, RunError

MISSING_DATA = (
    "no data found: give --data DIR, set FKP_DATA, or get a data set with `python -m fkp data get NAME`"
)


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Adds `train` and `export`."""
    _add_train(subparsers)
    _add_export(subparsers)


def _add_train(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a recipe, or resume its run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Trains a recipe of the catalogue; a run that was interrupted goes on where it was.",
        epilog="recipes:\n" + "\n".join(f"  {r.name:18} {r.summary}" for r in RECIPES.values()),
    )
    parser.add_argument("name", choices=RECIPES, metavar="NAME", help="a recipe, see below")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data root (default: $FKP_DATA, then ./data)"
    )
    _add_runs(parser)
    parser.add_argument("--restart", action="store_true", help="begin anew, even if the run exists")
    parser.add_argument("--skip-broken", action="store_true", help="skip and count broken samples")
    parser.add_argument("--workers", type=int, default=0, help="processes that vary pictures (default 0)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of the training process")
    parser.set_defaults(func=_train)


def _add_export(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "export",
        help="write a trained recipe as an .onnx file",
        description="Writes NAME.onnx with its description inside, compares it with the trained network "
        "on real crops, and refreshes the index of the folder.",
    )
    parser.add_argument("name", choices=RECIPES, metavar="NAME", help=f"one of: {', '.join(RECIPES)}")
    _add_runs(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the models (default: exported/)")
    parser.set_defaults(func=_export)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of the runs (default: runs/)"
    )


def _train(args: argparse.Namespace) -> int:
    import torch

    from fkp.training.loop import Trainer

    root = find_data_root(args.data)
    if root is None:
        raise SystemExit(MISSING_DATA)
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = get_recipe(args.name)
    broken: list[DataError] = []

    def samples(name: str) -> list[Sample]:
        if not args.skip_broken:
            return [as_scheme(sample, recipe.scheme) for sample in load(name, root)]
        found = load(name, root, broken.append)
        return [as_scheme(sample, recipe.scheme) for sample in found if _decodes(sample, broken)]

    try:
        trainer = Trainer(
            recipe,
            {name: samples(name) for name in recipe.train},
            samples(recipe.validation),
            args.runs / recipe.name,
            restart=args.restart,
            workers=args.workers,
        )
        if broken:
            print(f"skipped {len(broken)} broken samples; the first: {broken[0]}")
        run = trainer.train()
    except (DataError, ImageError, FileNotFoundError, FloatingPointError, RunError) as error:
        raise SystemExit(str(error)) from error
    print(f"trained; see {run.folder}, and export it with `python -m fkp export {recipe.name}`")
    return 0


def _decodes(sample: Sample, broken: list[DataError]) -> bool:
    try:
        load_image(sample.image)
    except ImageError:
        broken.append(DataError(sample.image, None, "the picture cannot be decoded"))
        return False
    return True


def _export(args: argparse.Namespace) -> int:
    from fkp.runtime.index import models_folder, refresh_index
    from fkp.runtime.sessions import ModelError
    from fkp.training.export import export

    recipe = get_recipe(args.name)
    folder = args.out or models_folder()
    try:
        path, difference = export(recipe, Run(args.runs / recipe.name), folder)
        refresh_index(folder)
    except (RunError, ModelError) as error:
        raise SystemExit(str(error)) from error
    size = path.stat().st_size / 1e6
    print(f"{path}: {size:.2f} MB, within {difference:.1e} of the crop of the trained network")
    return 0
