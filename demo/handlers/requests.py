"""What visitors and programs send, checked, and why it cannot be used, in one sentence."""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from demo.files import SHORTAGES
from fkp.errors import FkpError, RequestError
from fkp.runtime.drawing import Style

STYLES: Mapping[str, str] = {
    "Points": "points",
    "Outlines": "outlines",
    "Numbers": "indices",
    "Face box": "box",
    "Confidence": "confidence",
    "Pose": "pose",
}
# What a handler may meet without a mistake of ours: bad input, and a server that is short of something.
EXPECTED = (FkpError, OSError, MemoryError)

_P = ParamSpec("_P")
_R = TypeVar("_R")


def to_style(styles: object) -> Style:
    """The drawing style that a visitor ticked.

    Raises:
        RequestError: not a list of `STYLES`.
    """
    if not all(style in STYLES for style in to_names(styles)):
        raise RequestError(f"the styles are {', '.join(STYLES)}")
    return Style(**{field: words in to_names(styles) for words, field in STYLES.items()})


def to_names(values: object) -> list[str]:
    """The texts of a list.

    Raises:
        RequestError: it is something else.
    """
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise RequestError("a list of names is needed")
    return list(values)


def to_name(value: object) -> str:
    """A model's name; "" where none is chosen.

    Raises:
        RequestError: it is no text.
    """
    if value is not None and not isinstance(value, str):
        raise RequestError("a model is given by its name")
    return value or ""


def refusing(refuse: Callable[[str], _R]) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorate a handler so that `refuse` makes its result of an `EXPECTED` error, given as a sentence."""

    def decorate(handler: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(handler)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            try:
                return handler(*args, **kwargs)
            except EXPECTED as error:
                return refuse(sentence(error))

        return checked

    return decorate


def sentence(error: BaseException) -> str:
    """The message that a visitor gets for an `EXPECTED` error: no path of the server."""
    if isinstance(error, MemoryError):
        text = f"{SHORTAGES[errno.ENOMEM]}: try again later, or with a smaller file"
    elif isinstance(error, OSError):
        text = (
            f"{SHORTAGES.get(error.errno or 0, 'the server could not read or write a file')}: try again later"
        )
    else:
        text = str(error).strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
