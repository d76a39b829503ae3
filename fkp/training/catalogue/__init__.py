"""Every recipe there is. Adding a network is one class in `fkp/models` and one entry in a file here."""

from __future__ import annotations

from collections.abc import Mapping

from fkp.training.catalogue import flagship, reports
from fkp.training.recipe import Recipe

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in (*flagship.RECIPES, *reports.RECIPES)}


def get_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: there is none; the message lists the names.
    """
    if name not in RECIPES:
        raise ValueError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}")
    return RECIPES[name]
