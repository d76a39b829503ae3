"""Candidates: everything that can be measured, our own exports and others' models, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import ArrayLike, NDArray

from bench.cache import file_hash
from bench.results import EXPORTED
from fkp.errors import FkpError, ModelError
from fkp.runtime.index import ModelEntry, find_model, list_models
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.sessions import PROVIDERS, ModelSession, provider_names, short_name
from fkp.schemes import Scheme, get_scheme
from fkp.spec import ModelSpec


class Predictor(Protocol):
    """What a candidate must be able to do."""

    def predict(self, image: NDArray, boxes: ArrayLike) -> NDArray:
        """Landmarks (N, K, 2), image frame, for canonical face boxes (N, 4) of an RGB uint8 picture.

        A face whose landmarks are not found has NaN.
        """
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model to measure.

    Attributes:
        name: unique in a run; that of another file than the exported one of its name begins with its hash.
        scheme: of its points.
        sha256: of its file, or for a baseline of what determines its predictions.
        provider: the short name of what really runs it; "own" for a baseline with its own runtime.
        open: loads it.
        origin: `EXPORTED` for a model of the index, "file" for another file, "baseline" for a baseline.
        path: its .onnx file, None for a baseline.
        spec: of the file, None for a baseline.
        threads: of the network.
        milliseconds: what a baseline takes for canonical boxes in a picture, by its own clock; None for a
            file.
        versions: of a baseline's libraries, in words.
        refines: whether it can predict in two passes.
        find: the landmarks (M, K, 2) of the faces that its own detector finds in a picture, where it
            brings one.
    """

    name: str
    scheme: Scheme
    sha256: str
    provider: str
    open: Callable[[], Predictor]
    origin: str
    path: Path | None = None
    spec: ModelSpec | None = None
    threads: int | None = None
    find: Callable[[NDArray], NDArray] | None = None
    milliseconds: Callable[[NDArray, ArrayLike], float] | None = None
    versions: str | None = None
    refines: bool = False

    @property
    def precision(self) -> str:
        """The precision of its arithmetic, "fp32" or "int8"."""
        return self.spec.precision if self.spec else "fp32"

    @property
    def series(self) -> str:
        """The series that its file says it belongs to."""
        return self.spec.series if self.spec else ""

    @property
    def names(self) -> dict[str, Any]:
        """The columns of every row of results; also what its figures and its protocol depend on."""
        return {
            "model": self.name,
            "sha256": self.sha256,
            "provider": self.provider,
            "origin": self.origin,
            "precision": self.precision,
            "series": self.series,
        }


def predict_twice(predictor: Predictor, image: NDArray, boxes: ArrayLike, first: NDArray) -> NDArray:
    """Landmarks (N, K, 2) of a candidate that refines, in a second pass around the first one's."""
    assert isinstance(predictor, Landmarker)
    return predictor.predict_again(image, boxes, first)


def find_candidates(
    names: Sequence[str] | None, providers: Sequence[str] | None, threads: int | None
) -> tuple[list[Candidate], list[str]]:
    """The models to measure, and a sentence for each one that cannot be.

    Args:
        names: names of the index or paths of .onnx files; None for the whole index.
        providers: as `Landmarker` takes them.
        threads: of the network.

    Raises:
        ModelError: the index cannot be read.
    """
    entries = {entry.name: entry for entry in list_models()}
    wanted = list(dict.fromkeys(names)) if names else list(entries)
    candidates: list[Candidate] = []
    problems: list[str] = []
    for name in wanted:
        entry = entries.get(name)
        if entry and entry.problem:
            problems.append(f"the model {name} cannot be used: {entry.problem}")
        elif not entry and not name.endswith(".onnx"):
            known = ", ".join(entries) or "none"
            problems.append(f"there is no model {name!r}; there are: {known}; or give an .onnx file's path")
        else:
            try:
                found = (
                    _from_index(entry, providers, threads)
                    if entry
                    else _from_file(name, entries, providers, threads)
                )
                if found.name in (candidate.name for candidate in candidates):
                    problems.append(f"{name} calls itself {found.name}, as another of the models does")
                else:
                    candidates.append(found)
            except FkpError as error:
                problems.append(str(error))
    return candidates, problems


def _from_index(entry: ModelEntry, providers: Sequence[str] | None, threads: int | None) -> Candidate:
    """The candidate of a file that the index describes; it is only loaded where that tells something new."""
    _, promised = find_model(entry.name)
    sha256 = file_hash(entry.path)
    if sha256 != promised:
        raise ModelError(f"the model {entry.path} is not the file that the index describes")
    provider = provider_names(providers)[0]
    if entry.spec is None or provider != PROVIDERS["cpu"]:  # others fall back silently: check what runs
        session = ModelSession(entry.path, providers, threads)
        return _candidate(entry.path, sha256, EXPORTED, session.spec, session.providers[0], threads)
    return _candidate(entry.path, sha256, EXPORTED, entry.spec, provider, threads)


def _from_file(
    name: str, entries: Mapping[str, ModelEntry], providers: Sequence[str] | None, threads: int | None
) -> Candidate:
    path = Path(name)
    session = ModelSession(path, providers, threads)
    found = _candidate(path, file_hash(path), "file", session.spec, session.providers[0], threads)
    if (entry := entries.get(found.name)) and file_hash(entry.path) != found.sha256:
        return replace(found, name=f"{found.sha256[:6]}-{found.name}")
    return found


def _candidate(
    path: Path, sha256: str, origin: str, spec: ModelSpec, provider: str, threads: int | None
) -> Candidate:
    scheme = get_scheme(spec.scheme)
    return Candidate(
        name=spec.name,
        scheme=scheme,
        sha256=sha256,
        provider=short_name(provider),
        open=lambda: Landmarker(path, short_name(provider), threads),
        origin=origin,
        path=path,
        spec=spec,
        threads=threads,
        refines=scheme.num_points >= 3,
    )
