"""The models that visitors choose from; loaded ones are kept ready and shared by all visitors."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import lru_cache

from demo import measurements
from fkp.errors import ModelError
from fkp.runtime.detectors import Detector, get_detector
from fkp.runtime.index import ModelEntry, list_models
from fkp.runtime.landmarker import Landmarker
from fkp.schemes import get_scheme
from fkp.spec import ModelSpec

_KEPT = 6  # loaded models, about 100 MB each with their buffers
_LOCK = threading.Lock()
_SURE = 5.0  # NME in percent up to which first points are good enough for a second pass
_ALIKE = 0.1  # NME in percent: a smaller difference cannot be seen; a shorter time can
_BEST_FIRST = ("ibug68", "imm58", "nose1")


def entries() -> list[ModelEntry]:
    """All models of the index: whole faces first, then by measured error and by speed, unusable last."""
    try:
        known = list_models()
    except ModelError:
        return []
    least: dict[str, float] = {}
    for entry in known:
        if entry.spec and entry.problem is None and (error := error_of(entry)) is not None:
            least[entry.spec.scheme] = min(error, least.get(entry.spec.scheme, error))
    return sorted(known, key=lambda entry: _rank(entry, least))


def usable() -> list[ModelEntry]:
    """The usable models, the default first."""
    return [entry for entry in entries() if entry.problem is None]


def choices() -> list[tuple[str, str]]:
    """(label, name) of every usable model, for a picker; labels are as `parts.MEANING` explains them."""
    return [
        (" · ".join([entry.name, points_in_words(entry), *_figures(entry)]), entry.name) for entry in usable()
    ]


def _figures(entry: ModelEntry) -> list[str]:
    """A usable model's error, speed and size, as far as they are known."""
    error, speed = error_of(entry), measurements.speeds().get(entry.name)
    known = [f"{error:.1f}\u00a0%"] if error is not None else []
    known += [f"{speed:.2g}\u00a0ms" if speed < 10 else f"{speed:.0f}\u00a0ms"] if speed else []
    return [*known, f"{entry.path.stat().st_size / 1e6:.1f}\u00a0MB"]


def error_of(entry: ModelEntry) -> float | None:
    """A model's NME in percent, from the benchmark, or else from its training; None without either."""
    if entry.spec is None:
        return None
    held_out = entry.spec.validation.value if entry.spec.validation else None
    return measurements.errors(entry.spec.scheme).get(entry.name, held_out)


def passes(spec: ModelSpec) -> int:
    """The number of passes over each face of a picture: 1 or 2.

    The second pass gets a crop that is centered and leveled by the points of the first one. It is worth its
    time only where these are about right: on 82 validation faces of 300-W, found by the detector, it reduced
    an error of 3 to 4 % by 2 % of it, and increased errors of 9 % or more by 7 to 27 % of them. Nothing in
    between was measured. Schemes without eye corners cannot be leveled and get one pass.
    """
    sure = spec.validation is not None and spec.validation.value <= _SURE
    return 2 if sure and get_scheme(spec.scheme).outer_eye_corners else 1


def points_in_words(entry: ModelEntry) -> str:
    """How many points a model finds, such as "68 points"."""
    if entry.spec is None:
        return "unknown"
    count = get_scheme(entry.spec.scheme).num_points
    return f"{count} point{'s' if count > 1 else ''}"


def find(name: str) -> ModelEntry:
    """The model of that name.

    Raises:
        ModelError: there is none of that name (paths are no names), or it cannot be used.
    """
    known = {entry.name: entry for entry in entries()}
    if name not in known:
        raise ModelError(
            "there is no such model" if known else "no model is installed, or their index is damaged"
        )
    entry = known[name]
    if entry.problem is not None:
        raise ModelError(f"the model {name} cannot be used: {entry.problem}")
    return entry


def get_landmarker(name: str, video: bool = False) -> Landmarker:
    """The loaded model of that name; may be used by several threads at once.

    Args:
        name: of the model.
        video: for a camera or a video, where each frame starts from the points of the one before: one pass is
            enough, and one core, since the others draw, encode, and show the page.

    Raises:
        ModelError: there is none of that name, or it cannot be used; one sentence without paths.
    """
    entry = find(name)
    refine = not video and entry.spec is not None and passes(entry.spec) == 2
    with _LOCK:
        try:
            return _load(name, refine, 1 if video else None, entry.path.stat().st_mtime_ns)
        except (ModelError, OSError) as error:
            raise ModelError(str(error).replace(str(entry.path), name)) from error


@lru_cache(maxsize=_KEPT)
def _load(name: str, refine: bool, threads: int | None, _changed: int) -> Landmarker:
    return Landmarker(name, refine=refine, threads=threads, detector=_detector(threads))


@lru_cache
def _detector(threads: int | None) -> Detector:
    """One detector for all models."""
    try:
        return get_detector("fkp", threads)
    except ModelError as error:
        raise ModelError("the face detector is missing or damaged") from error


def warm_up() -> None:
    """Load the default model, so that the first visitor need not wait for it."""
    for entry in usable()[:1]:
        try:
            get_landmarker(entry.name)
        except ModelError:  # shown to its visitors
            return


def _rank(entry: ModelEntry, least: Mapping[str, float]) -> tuple[bool, int, float, float, str]:
    """What sorts the models; `least` is the smallest error of a usable one of each scheme."""
    spec, error = entry.spec, error_of(entry)
    scheme = _BEST_FIRST.index(spec.scheme) if spec and spec.scheme in _BEST_FIRST else len(_BEST_FIRST)
    steps = float("inf")
    if spec and error is not None:
        steps = (error - least.get(spec.scheme, error)) // _ALIKE
    speed = measurements.speeds().get(entry.name, float("inf"))
    return entry.problem is not None, scheme, steps, speed, entry.name
