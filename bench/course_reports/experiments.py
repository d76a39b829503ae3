"""The experiments of the five course reports, by the names of the recipes that repeat them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

# Report -> title of an experiment -> patterns of its recipes' names.
EXPERIMENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "000": {
        "nose tip": ("report000-nose",),
        "58 points": ("report000-face",),
        "68 points": ("report000-resnet18",),
    },
    "001": {
        "nose tip": ("report001-nose*",),
        "58 points": ("report001-face",),
        "68 points": ("report001-resnet18*", "report001-pca"),
    },
    "002": {
        "nose tip": ("report002-nose*",),
        "58 points": ("report002-face", "report002-mirror*"),
        "68 points: normalization": ("report002-resnet18*",),
        "68 points: networks": ("report002-wide", "report002-unet"),
    },
    "003": {"58 points": ("report003-face*",), "68 points": ("report003-resnet18*",)},
    "004": {
        "as reported": ("report004-ytf",),
        "loss and optimizer": ("report004-rmsprop", "report004-adam", "report004-l1"),
    },
}

# Whose first filters and whose training are shown.
FILTERS = ("report000-nose", "report001-face", "report002-face", "report003-face", "report004-ytf")
ANIMATIONS = ("report002-face", "report002-mirror", "report002-mirror-wrong")


def pick(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The names that fit a pattern; in the order of the patterns, then by name."""
    ordered = sorted(names)
    found = [name for pattern in patterns for name in ordered if fnmatchcase(name, pattern)]
    return list(dict.fromkeys(found))
