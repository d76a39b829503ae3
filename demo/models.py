"""The models that visitors choose from; loaded ones are kept ready and shared by all visitors."""

from __future__ import annotations

import threading
from functools import lru_cache

from fkp.runtime.index import ModelEntry, list_models
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.sessions import ModelError
from fkp.schemes import get_scheme

_KEPT = 6  # loaded models, about 100 MB each with their buffers
_LOCK = threading.Lock()
_BEST_FIRST = ("ibug68", "imm58", "nose1")


def entries() -> list[ModelEntry]:
    """All models of the index: whole faces first, then by measured error, unusable ones last."""
    try:
        return sorted(list_models(), key=_rank)
    except ModelError:
        return []


def usable() -> list[ModelEntry]:
    """The models that nothing is known against, the default first."""
    return [entry for entry in entries() if entry.problem is None]


def choices() -> list[tuple[str, str]]:
    """(label, name) of every usable model, for a picker."""
    return [
        (" · ".join([entry.name, points_in_words(entry), *_figures(entry)]), entry.name) for entry in usable()
    ]


def _figures(entry: ModelEntry) -> list[str]:
    """A usable model's size and error, as far as they are known."""
    error = entry.spec.validation if entry.spec else None
    return [f"{entry.path.stat().st_size / 1e6:.1f} MB", *([f"error {error.value:.2f}"] if error else [])]


def points_in_words(entry: ModelEntry) -> str:
    """How many points a model finds, such as "68 points"."""
    if entry.spec is None:
        return "unknown"
    count = get_scheme(entry.spec.scheme).num_points
    return f"{count} point{'s' if count > 1 else ''}"


def find(name: str) -> ModelEntry:
    """The model of that name.

    Raises:
        ModelError: there is none of that name (paths are no names), or something is known against it.
    """
    known = {entry.name: entry for entry in entries()}
    if name not in known:
        raise ModelError("there is no such model" if known else "no model is installed: export one first")
    entry = known[name]
    if entry.problem is not None:
        raise ModelError(f"the model {name} cannot be used: {entry.problem}")
    return entry


def get_landmarker(name: str, refine: bool = True) -> Landmarker:
    """The loaded model of that name; may be used by several threads at once.

    Args:
        name: of the model.
        refine: predict in two passes where the scheme allows it, as pictures deserve; in a video each
            frame already starts from the points of the one before.

    Raises:
        ModelError: there is none of that name, or it cannot be used; one sentence without paths.
    """
    entry = find(name)
    with _LOCK:
        try:
            refine = refine and entry.spec is not None and get_scheme(entry.spec.scheme).num_points >= 3
            return _load(name, refine, entry.path.stat().st_mtime_ns)
        except (ModelError, OSError) as error:
            raise ModelError(str(error).replace(str(entry.path), name)) from error


@lru_cache(maxsize=_KEPT)
def _load(name: str, refine: bool, _changed: int) -> Landmarker:
    return Landmarker(name, refine=refine)


def warm_up() -> None:
    """Load the default model, so that the first visitor need not wait for it."""
    for entry in usable()[:1]:
        try:
            get_landmarker(entry.name)
        except ModelError:  # its visitors are told
            return


def _rank(entry: ModelEntry) -> tuple[bool, int, float, str]:
    spec = entry.spec
    scheme = _BEST_FIRST.index(spec.scheme) if spec and spec.scheme in _BEST_FIRST else len(_BEST_FIRST)
    error = spec.validation.value if spec and spec.validation else float("inf")
    return entry.problem is not None, scheme, error, entry.name
