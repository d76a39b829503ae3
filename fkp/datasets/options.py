"""Options that several command lines share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from fkp.datasets.catalogue import find_data_root


def add_data(parser: argparse._ActionsContainer) -> None:
    """Adds `--data`."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data root (default: $FKP_DATA, then ./data)"
    )


def positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    """The type of an argument that must be a number above zero, for `add_argument`."""

    def parse(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
        return value

    parse.__name__ = "number"  # as argparse calls what it cannot read
    return parse


def data_root(argument: Path | None) -> Path:
    """The data root that `--data` names, or the default.

    Raises:
        ValueError: it is not there; the message says how to get data.
    """
    root = find_data_root(argument)
    if root is None:
        raise ValueError("no data found: give --data DIR, set FKP_DATA, or `python -m fkp data get ibug`")
    return root
