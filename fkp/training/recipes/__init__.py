"""The registry of recipes. A package that defines recipes registers them when it is imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from fkp.errors import UsageError
from fkp.training.recipe import Recipe
from fkp.training.recipes import flagship

_REGISTERED: dict[str, Recipe] = {}
RECIPES: Mapping[str, Recipe] = MappingProxyType(_REGISTERED)


def register(recipes: Iterable[Recipe]) -> None:
    """Make recipes known by their names.

    Raises:
        ValueError: another recipe has one of these names.
    """
    for recipe in recipes:
        if recipe.name in _REGISTERED:
            raise ValueError(f"two recipes are called {recipe.name!r}")
        _REGISTERED[recipe.name] = recipe


def get_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UsageError: there is none; the message lists the names.
    """
    if name not in RECIPES:
        raise UsageError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}")
    return RECIPES[name]


register(flagship.RECIPES)
