"""The files of one training run, and what is read back from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fkp.training.recipe import Recipe

# What may change in a recipe without changing what it trains.
_WORDS = {"summary", "source", "half"}


class RunError(RuntimeError):
    """A run cannot be resumed or exported; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What exporting needs of a run.

    Attributes:
        recipe: the recipe as it was trained, see `Recipe.to_dict`.
        model: state dict of the `KeypointModel`.
        training_data: data set -> faces trained on.
        validation_nme: percent, on the recipe's validation part.
        epoch: how many epochs these weights have seen.
        crops: (n, H, W, 3) uint8, real crops on which an export is compared with these weights.
    """

    recipe: dict[str, object]
    model: dict[str, Tensor]
    training_data: dict[str, int]
    validation_nme: float
    epoch: int
    crops: Tensor


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder: `checkpoint.pt` to resume from, `weights.pt` to export, the rest to look at."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def save_weights(self, weights: Weights) -> None:
        fields = {name: getattr(weights, name) for name in Weights.__slots__}
        save_atomically(fields, self.folder / "weights.pt")

    def load_weights(self, recipe: Recipe) -> Weights:
        """The weights to export.

        Raises:
            RunError: there are none, or they were trained by another version of the recipe.
        """
        path = self.folder / "weights.pt"
        if not path.is_file():
            raise RunError(f"{path} is not there: first run `python -m fkp train {recipe.name}`")
        weights = Weights(**torch.load(path, map_location="cpu"))
        check_same_recipe(weights.recipe, recipe, path)
        return weights


def save_atomically(content: object, path: Path) -> None:
    """`torch.save` that never leaves half a file under the final name."""
    part = path.with_suffix(".part")
    torch.save(content, part)
    part.replace(path)


def check_same_recipe(stored: dict[str, object], recipe: Recipe, path: Path) -> None:
    """Raises RunError where a file of a run belongs to another recipe than the catalogue's."""
    wanted = recipe.to_dict()
    matters = wanted.keys() - _WORDS
    if different := sorted(key for key in matters if stored.get(key) != wanted[key]):
        raise RunError(
            f"{path} was made by another version of recipe {recipe.name!r} (it differs in "
            f"{', '.join(different)}): train again with --restart, or give another --runs folder"
        )
