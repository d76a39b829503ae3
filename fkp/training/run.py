"""The files of one training run, and what is read back from them."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from fkp.errors import RunError

# What may change in a recipe without changing what it trains.
_WORDS = {"summary", "source", "series", "storage"}


@dataclass(frozen=True, slots=True)
class Weights:
    """What exporting needs of a run.

    Attributes:
        recipe: the recipe as it was trained, see its `to_dict`.
        model: state dict of what the recipe builds.
        training_data: data set -> faces trained on; of a detector, numbers of "pictures" and "faces".
        validation: on the recipe's validation part; NME in percent, of a detector the recall.
        epoch: how many epochs these weights have seen.
        examples: (n, H, W, 3) uint8, real inputs on which an export is compared with these weights.
        pretrained: what the weights started from.
    """

    recipe: dict[str, object]
    model: dict[str, Tensor]
    training_data: dict[str, int]
    validation: float
    epoch: int
    examples: Tensor
    pretrained: str = "from scratch"


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder: `checkpoint.pt` to resume from, `weights.pt` to export, the rest to look at."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def log(self) -> Path:
        """One line an epoch; a run that was recovered from a file has none."""
        return self.folder / "log.csv"

    @property
    def weights(self) -> Path:
        return self.folder / "weights.pt"

    @property
    def epochs_seen(self) -> int:
        """How many epochs its log holds."""
        if not self.log.is_file():
            return 0
        with self.log.open(newline="") as file:
            return sum(1 for _ in csv.DictReader(file))

    def is_final(self, epochs: int) -> bool:
        """Whether it holds weights that were trained for that many epochs, or recovered from a file."""
        return self.weights.is_file() and (not self.log.is_file() or self.epochs_seen >= epochs)

    def check_continues(self, epochs: int) -> None:
        """Raises RunError where training for that many epochs would begin anew and replace final weights."""
        if self.is_final(epochs) and not self.checkpoint.is_file():
            raise RunError(
                f"{self.weights} was recovered from a file, or its checkpoint was removed, so that training "
                "cannot go on from it: --restart replaces it with weights that are trained anew"
            )

    def save_weights(self, weights: Weights) -> None:
        fields = {name: getattr(weights, name) for name in Weights.__slots__}
        save_atomically(fields, self.weights)

    def load_weights(self, recipe: Named) -> Weights:
        """The weights to export.

        Raises:
            RunError: there are none, or they were trained by another version of the recipe.
        """
        weights = self.read_weights(recipe.command)
        check_same_recipe(weights.recipe, recipe, self.weights)
        return weights

    def read_weights(self, command: str) -> Weights:
        """The weights, whatever version of the recipe they were trained by.

        Args:
            command: see `Named`.

        Raises:
            RunError: there are none, or another version of this code wrote them.
        """
        if not self.weights.is_file():
            raise RunError(
                f"{self.weights} is not there: first run `python -m fkp {command}`, or recover it from a file"
            )
        try:
            return Weights(**torch.load(self.weights, map_location="cpu"))
        except TypeError as error:
            raise RunError(
                f"{self.weights} was written by another version: run `python -m fkp {command} --restart`"
            ) from error


def save_atomically(content: object, path: Path) -> None:
    """`torch.save` that never leaves half a file under the final name."""
    part = path.with_suffix(".part")
    torch.save(content, part)
    part.replace(path)


class Named(Protocol):
    """A recipe of whatever: a dataclass with a name, its epochs, and what `python -m fkp` trains it by."""

    @property
    def name(self) -> str: ...
    @property
    def epochs(self) -> int: ...
    @property
    def command(self) -> str: ...


def check_same_recipe(stored: dict[str, object], recipe: Named, path: Path) -> None:
    """Raises RunError where a file of a run belongs to another recipe than the catalog's."""
    if different := sorted(_differences(stored, recipe) - _WORDS):
        raise RunError(
            f"{path} was made by another version of recipe {recipe.name!r} (it differs in "
            f"{', '.join(different)}): train again with --restart, or give another --runs folder"
        )


def _differences(stored: Mapping[str, Any], wanted: Any) -> set[str]:
    """Fields of a dataclass in which its stored dictionary differs; one that is new since then counts as
    stored with its default."""
    plain, different = dataclasses.asdict(wanted), set()
    for field in dataclasses.fields(wanted):
        name, ours = field.name, getattr(wanted, field.name)
        if name not in stored:
            same = ours == field.default
        elif dataclasses.is_dataclass(ours):
            same = not _differences(stored[name], ours)
        else:
            same = stored[name] == plain[name]
        if not same:
            different.add(name)
    return different
