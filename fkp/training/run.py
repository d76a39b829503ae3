"""The files of one training run: writing and reading."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fkp.atomic import draft_of
from fkp.errors import RunError
from fkp.training.config import BaseRecipe

# What may change in a recipe without changing what it trains.
_WORDS = {"summary", "source", "series", "weight_dtype"}


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
        final: whether they are final although no log says so: recovered from a file, or trained in one piece.
    """

    recipe: dict[str, Any]
    model: dict[str, Tensor]
    training_data: dict[str, int]
    validation: float
    epoch: int
    examples: Tensor
    pretrained: str = "from scratch"
    final: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder: `checkpoint.pt` to resume from, `weights.pt` to export, the rest to view."""

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
        return max(0, self.log.read_bytes().count(b"\n") - 1) if self.log.is_file() else 0

    def is_final(self, epochs: int) -> bool:
        """Whether it holds weights that were trained for that many epochs, or say that they are final."""
        if not self.weights.is_file():
            return False
        return self.epochs_seen >= epochs if self.log.is_file() else self._says_final()

    def _says_final(self) -> bool:
        try:
            return bool(_load(self.weights).get("final"))
        except RunError:
            return False

    def check_continues(self, epochs: int) -> None:
        """Raise RunError where training for that many epochs would start over and replace final weights."""
        if not self.checkpoint.is_file() and self.is_final(epochs):
            raise RunError(
                f"{self.weights} was recovered from a file, or its checkpoint was removed, so that training "
                "cannot continue from it: --restart replaces it with newly trained weights"
            )

    def save_weights(self, weights: Weights) -> None:
        """Write the weights, whole or not at all."""
        save({name: getattr(weights, name) for name in Weights.__slots__}, self.weights)

    def load_weights(self, recipe: BaseRecipe) -> Weights:
        """The weights to export.

        Raises:
            RunError: there are none, they are damaged, or were trained by another version of the recipe.
        """
        weights = self.read_weights(recipe.command)
        check_same_recipe(weights.recipe, recipe, self.weights)
        return weights

    def read_weights(self, command: str) -> Weights:
        """The weights, whatever version of the recipe they were trained by.

        Args:
            command: of the recipe, see `BaseRecipe`.

        Raises:
            RunError: there are none, they are damaged, or another version of this code wrote them.
        """
        if not self.weights.is_file():
            raise RunError(
                f"{self.weights} is not there: first run `python -m fkp {command}`, or recover it from a file"
            )
        try:
            weights = Weights(**read_saved(self.weights, command))
            right = isinstance(weights.examples, Tensor) and isinstance(weights.recipe, dict)
        except TypeError:
            right = False
        if not right:
            raise RunError(
                f"{self.weights} was written by another version: run `python -m fkp {command} --restart`"
            )
        return weights

    def load_into(self, model: nn.Module, recipe: BaseRecipe) -> Weights:
        """The weights, which are copied into what the recipe builds.

        Raises:
            RunError: as in `load_weights`.
        """
        weights = self.load_weights(recipe)
        fill(model, weights.model, self.weights)
        return weights


def fill(model: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Copy the weights of a file into a network; a RunError says where they do not fit it."""
    try:
        model.load_state_dict(state)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise RunError(f"the weights in {path} are of another network, or damaged") from error


def save(content: object, path: Path) -> None:
    """`torch.save`, whole or not at all."""
    with draft_of(path) as draft:
        torch.save(content, draft)


def read_saved(path: Path, command: str) -> dict[str, Any]:
    """What `save` wrote; `command` trains the recipe.

    Raises:
        RunError: the file is damaged.
        OSError: it cannot be read.
    """
    try:
        return _load(path)
    except RunError as error:
        raise RunError(f"{error}: `python -m fkp {command} --restart` starts over") from error


def _load(path: Path) -> dict[str, Any]:
    stream = io.BytesIO(path.read_bytes())
    try:
        content = torch.load(stream, map_location="cpu")
    except MemoryError:
        raise
    except Exception as error:  # torch, pickle and zipfile each raise their own
        raise RunError(f"{path} is damaged") from error
    if not isinstance(content, dict):
        raise RunError(f"{path} is damaged")
    return content


def check_same_recipe(stored: object, recipe: BaseRecipe, path: Path) -> None:
    """Raise RunError where a file of a run belongs to another recipe than the catalog's."""
    if different := sorted(_differences(stored, recipe) - _WORDS):
        raise RunError(
            f"{path} was made by another version of recipe {recipe.name!r} (it differs in "
            f"{', '.join(different)}): train again with --restart, or give another --runs folder"
        )


def _differences(stored: object, wanted: Any) -> set[str]:
    """Fields of a dataclass in which its stored dictionary differs; one that is new since then counts as
    stored with its default."""
    if not isinstance(stored, dict):
        return {field.name for field in dataclasses.fields(wanted)}
    plain, different = dataclasses.asdict(wanted), set()
    for field in dataclasses.fields(wanted):
        name, ours = field.name, getattr(wanted, field.name)
        if name not in stored:
            different |= set() if ours == field.default else {name}
        elif dataclasses.is_dataclass(ours):
            different |= {f"{name}.{inner}" for inner in _differences(stored[name], ours)}
        elif stored[name] != plain[name]:
            different.add(name)
    return different
