"""`python -m fkp export`, `quantize` and `recover`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fkp.datasets.options import add_data, data_root
from fkp.training.cli import add_runs, load_faces
from fkp.training.recipe import Recipe
from fkp.training.recipes import RECIPES, get_recipe
from fkp.training.run import Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RECOVERY_CROPS = 128


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add `export`, `quantize` and `recover`."""
    _add_export(subparsers)
    _add_quantize(subparsers)
    _add_recover(subparsers)


def _add_export(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "export",
        description="Write NAME.onnx with its description inside, compare it with the trained network "
        "on real crops, and refresh the index of the folder.",
    )
    parser.add_argument("name", choices=RECIPES, metavar="NAME", help=f"one of: {', '.join(RECIPES)}")
    add_runs(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the models (default: exported/)")
    parser.set_defaults(func=_export)


def _add_quantize(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "quantize",
        description="Write NAME-int8.onnx beside NAME.onnx, calibrated on training crops, and measure both "
        "on the validation part. A file that is more than 2 % worse is not written.",
    )
    parser.add_argument("name", choices=RECIPES, metavar="NAME", help="an exported recipe")
    add_data(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the models (default: exported/)")
    parser.set_defaults(func=_quantize)


def _add_recover(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "recover",
        description="Write the weights of an exported file as those of a run, so that recipes can start from "
        "it or use it as a teacher without training it again.",
    )
    parser.add_argument("name", choices=RECIPES, metavar="NAME", help="the recipe of the network in the file")
    parser.add_argument("--file", type=Path, metavar="FILE", help="default: exported/NAME.onnx")
    add_data(parser)
    add_runs(parser)
    parser.set_defaults(func=_recover)


def _export(args: argparse.Namespace) -> int:
    from fkp.export.onnx_export import export
    from fkp.runtime.folders import models_folder
    from fkp.runtime.index import refresh_index

    recipe = get_recipe(args.name)
    folder = args.out or models_folder()
    path, difference = export(recipe, Run(args.runs / recipe.name), folder)
    refresh_index(folder)
    size = path.stat().st_size / 1e6
    print(f"{path}: {size:.2f} MB, within {difference:.1e} of the crop of the trained network")
    return 0


def _quantize(args: argparse.Namespace) -> int:
    from fkp.export.quantize import check_exported, quantize
    from fkp.runtime.folders import models_folder
    from fkp.runtime.index import refresh_index
    from fkp.training.crops import CropDataset, load_crops

    recipe, folder = get_recipe(args.name), args.out or models_folder()
    source = folder / f"{recipe.name}.onnx"
    check_exported(source, f"export {recipe.name}")
    root = data_root(args.data)
    training, validation = (
        load_crops(load_faces(recipe, name, root), recipe) for name in (recipe.train[0], recipe.validation)
    )
    path, before, after = quantize(
        source, CropDataset(training, recipe, recipe.augmentation), CropDataset(validation, recipe)
    )
    refresh_index(folder)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB; {recipe.validation}: {before:.3f} % -> {after:.3f} %")
    return 0


def _recover(args: argparse.Namespace) -> int:
    from fkp.export.recover import recover
    from fkp.runtime.folders import models_folder

    recipe = get_recipe(args.name)
    if recipe.calibrated_on is not None and recipe.initial is not None:
        recipe = get_recipe(recipe.initial)  # the network below the visibility head, which is trained anew
    run, path = Run(args.runs / recipe.name), args.file or models_folder() / f"{args.name}.onnx"
    difference = recover(recipe, path, _recovery_crops(recipe, data_root(args.data)), run)
    print(f"{run.weights}: within {difference:.1e} of the crop of {path}")
    return 0


def _recovery_crops(recipe: Recipe, root: Path) -> Iterator[NDArray[np.uint8]]:
    from fkp.training.crops import CropDataset, load_crops

    faces = load_faces(recipe, recipe.train[0], root)[:_RECOVERY_CROPS]
    crops = CropDataset(load_crops(faces, recipe), recipe, recipe.augmentation)
    for draw in range(len(crops)):
        yield crops[draw, draw][0]
