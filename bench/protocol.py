"""What is measured of which model: the full protocol, or the reduced one for exported models of a series.

The models of a series (the course reports) are exported to be compared with each other. There are many of
them, most are slow for their accuracy, and nobody will choose one, so they are measured on less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.candidates import Candidate
from bench.faces import TestSet
from bench.results import EXPORTED
from fkp.datasets import DATASETS

# Every model's nose tip is measured here, whatever its scheme.
NOSE_TIPS = "imm-val"

_REDUCED_FRAMES = 192  # of the YTF test set, in which neighbors show the same face
_REDUCED_FACES = 16  # in the robustness test


def is_reduced(candidate: Candidate) -> bool:
    """Whether a model is measured by the reduced protocol."""
    return candidate.origin == EXPORTED and candidate.series != ""


def accuracy_sets(
    candidates: Sequence[Candidate], dataset: str, root: Path, limit: int | None
) -> Iterator[tuple[TestSet, list[Candidate]]]:
    """One data set with the candidates that are measured on it, all of it or less of it.

    Args:
        candidates: all of them.
        dataset: a name of `DATASETS`.
        root: the data root.
        limit: of faces, for all candidates; None for none.
    """
    full = [c for c in candidates if not is_reduced(c)]
    reduced = [
        c
        for c in candidates
        if is_reduced(c) and (dataset == NOSE_TIPS or c.scheme.name == DATASETS[dataset].scheme)
    ]
    least = limit if limit is not None or dataset != "ytf-test" else _REDUCED_FRAMES
    if limit == least:
        full, reduced = [*full, *reduced], []
    for members, most in ((full, limit), (reduced, least)):
        if members:
            yield TestSet(dataset, root, most), members


def robustness_groups(candidates: Sequence[Candidate], faces: int) -> Iterator[tuple[int, list[Candidate]]]:
    """Numbers of faces, and the candidates that are measured on so many."""
    for reduced, count in ((False, faces), (True, min(faces, _REDUCED_FACES))):
        if members := [c for c in candidates if is_reduced(c) == reduced]:
            yield count, members
