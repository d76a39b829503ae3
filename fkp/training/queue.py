"""A queue of recipes that is trained in a limited time: the cheapest first; interrupted ones are resumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from fkp.errors import RunError
from fkp.models import multiply_adds
from fkp.training.config import BaseRecipe
from fkp.training.recipe import Recipe
from fkp.training.run import Run


@dataclass(frozen=True, slots=True)
class Left:
    """A recipe that is not trained to its end.

    Attributes:
        recipe: which.
        epochs: how many it has seen so far.
        why: an error in words, empty where the time was over.
    """

    recipe: Recipe
    epochs: int
    why: str = ""

    def __str__(self) -> str:
        words = f"{self.recipe.name}: {self.epochs} of {self.recipe.config.epochs} epochs"
        return f"{words}; {self.why}" if self.why else words


def cost(recipe: Recipe, faces: int) -> int:
    """What training a recipe on that many faces costs: its forward passes' multiply-adds."""
    crop = torch.zeros(1, *recipe.input_size, 3, dtype=torch.uint8)
    return (
        multiply_adds(recipe.build(), crop)
        * recipe.config.epochs
        * (recipe.config.samples_per_epoch or faces)
    )


def is_finished(recipe: BaseRecipe, run: Run) -> bool:
    """Whether a run holds this very recipe, trained to its end or recovered from a file."""
    try:
        run.load_weights(recipe)
    except RunError:
        return False
    return run.is_final(recipe.config.epochs)


def work_through(
    recipes: Iterable[Recipe],
    run_of: Callable[[Recipe], Run],
    train: Callable[[Recipe, float], None],
    seconds: float,
) -> list[Left]:
    """Train what is not finished, in the order given, until the time is over.

    Args:
        recipes: what to train.
        run_of: recipe -> its run, finished, interrupted or not begun.
        train: trains a recipe for at most that many seconds; a RunError that it raises is listed in
            the result, and the next recipe follows.
        seconds: for all recipes; the epoch in which they end is finished.

    Returns:
        what is left.
    """
    until = time.monotonic() + seconds
    left = []
    for recipe in recipes:
        run, why = run_of(recipe), ""
        if is_finished(recipe, run):
            continue
        if (still := until - time.monotonic()) > 0:
            try:
                train(recipe, still)
            except RunError as error:
                why = str(error)
        if not is_finished(recipe, run):
            left.append(Left(recipe, run.epochs_seen, why))
    return left
