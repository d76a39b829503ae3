"""Values from outside text and JSON: typed, or a ValueError that says what is wrong.

Readers call these inside `located`, which adds the file and the line.
"""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fkp.errors import DataError
from fkp.images import FORMATS

PICTURE_SUFFIXES = {suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS}
"""Endings of the names of pictures that can be read, in small letters."""

_LARGEST = 1e9  # of any number in an annotation; far above the sides of pictures, far below overflows

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def files_of(folder: Path, suffix: str) -> list[Path]:
    """The files of a folder with a suffix in any case, sorted, without hidden ones.

    Hidden files such as `._face.pts` are what macOS leaves beside the real ones.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().endswith(suffix) and not path.name.startswith(".") and path.is_file()
    )


def is_picture(path: Path) -> bool:
    """Whether a file's name is one of a picture, and not of a hidden file."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def read_content(file: Path) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(file, None, f"cannot be read: {error.strerror}") from error


def split_lines(content: bytes) -> list[str]:
    """The lines of a text in UTF-8, with or without a byte order mark.

    Bytes that are not UTF-8 become surrogates, as in Python's names of files, so a picture's name that stands
    in the text leads to its file.
    """
    lines = content.removeprefix(codecs.BOM_UTF8).splitlines()
    return [line.decode("utf-8", "surrogateescape") for line in lines]


def read_lines(file: Path) -> list[tuple[int, str]]:
    """The lines of a text file that are not empty, with their numbers from 1; see `split_lines`.

    Raises:
        DataError: the file cannot be read.
    """
    return [(i, line) for i, line in enumerate(split_lines(read_content(file)), 1) if line.strip()]


def number(word: str) -> float:
    """A finite decimal number in ASCII: no digits of other scripts, no `1_000`, no `nan`."""
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{word!r} is not a finite number")
    value = float(word)
    if abs(value) > _LARGEST:
        raise ValueError(f"{word[:20]!r} is too large for a coordinate")
    return value


def json_object(line: str) -> dict[str, Any]:
    """A JSON object of which every number is a float."""
    try:
        row = json.loads(line, parse_int=float)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("a line must be a JSON object")
    return row


def json_field(row: dict[str, Any], name: str, kind: type) -> Any:
    """A field of a JSON object, which must be there and of that type."""
    if name not in row:
        raise ValueError(f"the line has no {name!r}")
    if not isinstance(row[name], kind):
        raise ValueError(f"{name!r} cannot be a {type(row[name]).__name__}")
    return row[name]


def json_numbers(values: list[Any], what: str) -> NDArray[np.float64]:
    """An array of the numbers in nested lists of equal lengths; NaN stays, but nothing is infinite."""
    try:
        array = np.asarray(values)
    except (ValueError, RecursionError):  # lists of different lengths
        array = np.array(None)
    if array.dtype != np.float64:
        raise ValueError(f"{what} must be numbers, in lists of equal lengths")
    if (np.abs(array) > _LARGEST).any():
        raise ValueError(f"{what} must not hold a number above {_LARGEST:g}")
    return array
