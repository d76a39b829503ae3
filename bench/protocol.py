"""What is measured of which model: everything of the models to choose from, less of the reports' ones.

The networks of the course reports are here to be compared with each other. There are many of them,
most are slow for what they can, and nobody will choose one; so their programme is shorter.
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

_BRIEF_FRAMES = 192  # of the YTF test set, in which neighbors show the same face
_BRIEF_FACES = 16  # in the robustness test


def is_brief(candidate: Candidate) -> bool:
    """Whether a model has the short programme."""
    return candidate.origin == EXPORTED and candidate.name.startswith("report")


def accuracy_sets(
    candidates: Sequence[Candidate], dataset: str, root: Path, limit: int | None
) -> Iterator[tuple[TestSet, list[Candidate]]]:
    """One data set for those who take part in it: whole, or less of it for the short programme.

    Args:
        candidates: everybody.
        dataset: a name of `DATASETS`.
        root: the data root.
        limit: of faces, for everybody; None for none.
    """
    full = [c for c in candidates if not is_brief(c)]
    brief = [
        c
        for c in candidates
        if is_brief(c) and (dataset == NOSE_TIPS or c.scheme.name == DATASETS[dataset].scheme)
    ]
    least = limit if limit is not None or dataset != "ytf-test" else _BRIEF_FRAMES
    if limit == least:
        full, brief = [*full, *brief], []
    for members, most in ((full, limit), (brief, least)):
        if members:
            yield TestSet(dataset, root, most), members


def robustness_groups(candidates: Sequence[Candidate], faces: int) -> Iterator[tuple[int, list[Candidate]]]:
    """Numbers of faces, and those who are tried on so many."""
    for brief, count in ((False, faces), (True, min(faces, _BRIEF_FACES))):
        if members := [c for c in candidates if is_brief(c) == brief]:
            yield count, members
