"""Contenders: everything that can be measured, our own exports and others' models, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from numpy.typing import ArrayLike, NDArray

from bench.cache import file_hash
from fkp.runtime.index import list_models
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.sessions import PROVIDERS, ModelError, ModelSession
from fkp.schemes import Scheme, get_scheme
from fkp.spec import ModelSpec


class Predictor(Protocol):
    """What a contender must be able to do."""

    def predict(self, image: NDArray, boxes: ArrayLike) -> NDArray:
        """Landmarks (N, K, 2), image frame, for canonical face boxes (N, 4) of an RGB uint8 picture.

        A face whose landmarks are not found has NaN.
        """
        ...


@dataclass(frozen=True, slots=True)
class Contender:
    """One model that takes part.

    Attributes:
        name: unique in a run.
        scheme: of its points.
        sha256: of its file, or for a peer of what makes its answers what they are.
        provider: the short name of what really runs it; "own" for a peer with its own runtime.
        open: loads it.
        open_refined: loads it so that it predicts in two passes, None where it cannot.
        path: its .onnx file, None for a peer.
        spec: what the file says of itself, None for a peer.
        threads: of the network.
        find: the landmarks (M, K, 2) of the faces that its own detector finds in a picture, where it
            brings one.
    """

    name: str
    scheme: Scheme
    sha256: str
    provider: str
    open: Callable[[], Predictor]
    path: Path | None = None
    spec: ModelSpec | None = None
    threads: int | None = None
    find: Callable[[NDArray], NDArray] | None = None
    open_refined: Callable[[], Predictor] | None = None


def find_contenders(
    names: Sequence[str] | None, providers: Sequence[str] | None, threads: int | None
) -> tuple[list[Contender], list[str]]:
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
    contenders, problems = [], []
    for name in wanted:
        entry = entries.get(name)
        if entry and entry.problem:
            problems.append(f"the model {name} cannot be used: {entry.problem}")
        elif not entry and not name.endswith(".onnx"):
            known = ", ".join(entries) or "none"
            problems.append(f"there is no model {name!r}; there are: {known}; or give an .onnx file's path")
        else:
            try:
                contenders.append(_from_file(entry.path if entry else Path(name), providers, threads))
            except (ModelError, ValueError) as error:
                problems.append(str(error))
    return contenders, problems


def _from_file(path: Path, providers: Sequence[str] | None, threads: int | None) -> Contender:
    session = ModelSession(path, providers, threads)
    short = {full: name for name, full in PROVIDERS.items()}
    scheme = get_scheme(session.spec.scheme)
    can_refine = scheme.num_points >= 3
    return Contender(
        name=session.spec.name,
        scheme=scheme,
        sha256=file_hash(path),
        provider=short.get(session.providers[0], session.providers[0]),
        open=lambda: Landmarker(path, providers, threads),
        path=path,
        spec=session.spec,
        threads=threads,
        open_refined=(lambda: Landmarker(path, providers, threads, refine=True)) if can_refine else None,
    )
