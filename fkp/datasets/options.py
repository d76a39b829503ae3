"""Options that several command lines share."""

from __future__ import annotations

import argparse
from pathlib import Path

from fkp.datasets.loading import find_data_root
from fkp.errors import UsageError


def add_data(parser: argparse._ActionsContainer) -> None:
    """Add `--data`."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data root (default: $FKP_DATA, then ./data)"
    )


def positive(text: str) -> int:
    """The type of an argument that must be a whole number above zero, for `add_argument`."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return number


def data_root(argument: Path | None) -> Path:
    """The data root that `--data` names, or the default.

    Raises:
        UsageError: it is not there; the message says how to get data.
    """
    root = find_data_root(argument)
    if root is None:
        raise UsageError("no data found: give --data DIR, set FKP_DATA, or `python -m fkp data get ibug`")
    return root
