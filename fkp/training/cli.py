"""`python -m fkp train`."""

from __future__ import annotations

import argparse
import functools
import math
import subprocess
import sys
import time
from pathlib import Path

from fkp.datasets import Sample, as_scheme, load
from fkp.datasets.inventory import decodable
from fkp.datasets.options import add_data, data_root, positive
from fkp.errors import DataError, RunError
from fkp.training.queue import Left, cost, is_finished, work_through
from fkp.training.recipe import Recipe
from fkp.training.recipes import RECIPES, get_recipe
from fkp.training.run import Run


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add `train`."""
    parser = subparsers.add_parser(
        "train",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Train a recipe of the catalog, or all of them, the cheapest first. An interrupted\n"
        "training is resumed, and --all skips finished recipes. Labels of `python -m fkp data label` are\n"
        "read from $FKP_LABELS (default: runs/labels.jsonl).",
        epilog="recipes:\n" + "\n".join(f"  {r.name:28} {r.summary}" for r in RECIPES.values()),
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", choices=RECIPES, metavar="NAME", help="a recipe, see below")
    what.add_argument("--all", action="store_true", help="every recipe, the cheapest first")
    parser.add_argument(
        "--budget", type=float, default=math.inf, metavar="HOURS",
        help="stop after the epoch in which this time ends; run the command again to continue",
    )  # fmt: skip
    add_data(parser)
    add_runs(parser)
    parser.add_argument("--restart", action="store_true", help="start over, even if the run exists")
    parser.add_argument("--skip-broken", action="store_true", help="skip and count broken samples")
    parser.add_argument("--workers", type=int, default=0, help="processes that augment pictures (default 0)")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of the training process")
    parser.set_defaults(func=_train)


def add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of the runs (default: runs/)"
    )


def _train(args: argparse.Namespace) -> int:
    import torch

    root = data_root(args.data)
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.all:
        return _train_all(args, root)
    recipe = get_recipe(args.name)
    run = _train_one(args, root, recipe, time.monotonic() + args.budget * 3600)
    if is_finished(recipe, run):
        print(f"trained; see {run.folder}, and export it with `python -m fkp export {recipe.name}`")
    else:
        print(f"left: {Left(recipe, run.epochs_seen)}")
    return 0


def _train_all(args: argparse.Namespace, root: Path) -> int:
    @functools.cache
    def faces(name: str) -> int:
        try:
            return len(load(name, root))
        except (DataError, FileNotFoundError):
            return 0  # training on it says what is wrong

    @functools.cache
    def price(name: str) -> int:
        """With that of the recipes it starts from or learns from, so that these come first."""
        recipe = get_recipe(name)
        before = {other for other in (recipe.initial, recipe.teacher) if other}
        return cost(recipe, sum(map(faces, recipe.train))) + sum(map(price, before))

    left = work_through(
        sorted(RECIPES.values(), key=lambda recipe: price(recipe.name)),
        lambda recipe: Run(args.runs / recipe.name),
        lambda recipe, seconds: _train_apart(args, root, recipe, seconds),
        args.budget * 3600,
    )
    print(f"{len(RECIPES) - len(left)} of {len(RECIPES)} recipes are trained")
    for entry in left:
        print(f"left: {entry}")
    return int(any(entry.why for entry in left))


def _train_apart(args: argparse.Namespace, root: Path, recipe: Recipe, seconds: float) -> None:
    """Train in a separate process, so that one that fails, or fills the memory, does not stop the others."""
    command = [sys.executable, "-m", "fkp", "train", recipe.name, "--data", str(root)]
    command += ["--runs", str(args.runs), "--workers", str(args.workers), "--budget", str(seconds / 3600)]
    command += ["--threads", str(args.threads)] if args.threads else []
    command += [f"--{word}" for word in ("restart", "skip-broken") if getattr(args, word.replace("-", "_"))]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise RunError(f"it failed with exit code {done.returncode}, see above")


def _train_one(args: argparse.Namespace, root: Path, recipe: Recipe, until: float) -> Run:
    from fkp.training.landmark_trainer import LandmarkTrainer
    from fkp.training.visibility import train_visibility

    folder = args.runs / recipe.name
    trainer = LandmarkTrainer(recipe, folder, restart=args.restart, workers=args.workers)
    trainer.check_continues()  # before anything is decoded
    broken: list[DataError] = []

    def samples(name: str) -> list[Sample]:
        if not args.skip_broken:
            return load_faces(recipe, name, root)
        found = decodable(load(name, root, broken.append), broken.append)
        return [as_scheme(sample, recipe.scheme) for sample, _ in found]

    training = {name: samples(name) for name in recipe.train}
    if recipe.calibrated_on is not None:
        return train_visibility(recipe, training, samples(recipe.calibrated_on), args.runs)
    validation = samples(recipe.validation)
    if broken:
        print(f"skipped {len(broken)} broken samples; the first: {broken[0]}")
    return trainer.fit(training, validation, until)


def load_faces(recipe: Recipe, dataset: str, root: Path) -> list[Sample]:
    """The faces of a data set, with the points that a recipe is about."""
    return [as_scheme(sample, recipe.scheme) for sample in load(dataset, root)]
