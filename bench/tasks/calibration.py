"""Whether a model's scores indicate its bad predictions, and how errors grow with head turn."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.candidates import Candidate
from bench.faces import FAR_TURN, HALF_TURN, TestSet, head_turns
from bench.parallel import on_all_cores
from bench.rows import ConfidenceRow
from bench.scores import FaceErrors, face_errors
from fkp import metrics
from fkp.datasets import Sample
from fkp.images import load_image
from fkp.runtime.landmarker import Landmarker


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of a group of faces, as columns of a `ConfidenceRow`."""

    group: str
    faces: int
    nme: float
    fr8: float
    score: float
    rank_correlation: float | None = None
    point_rank_correlation: float | None = None


def measure(candidate: Candidate, test_set: TestSet) -> list[ConfidenceRow]:
    """A row for every group of a data set's faces; true boxes, one pass."""
    predictor = candidate.open()
    assert isinstance(predictor, Landmarker)

    def predict(face: Sample) -> tuple[NDArray, NDArray]:
        points, scores = predictor.predict_with_scores(load_image(face.image), face.box[None])
        return points[0], scores[0]

    predictions = on_all_cores(predict, test_set.faces, f"{candidate.name}'s scores", "face")
    points, scores = (np.stack(part) for part in zip(*predictions, strict=True))
    scheme = candidate.scheme.name
    errors = face_errors(points, scheme, test_set.faces, scheme)
    turns = np.abs(head_turns(test_set.faces))
    return [
        ConfidenceRow(**candidate.names, dataset=test_set.name, scheme=scheme, **dataclasses.asdict(group))
        for group in groups(errors, scores, turns)
    ]


def groups(errors: FaceErrors, scores: NDArray, turns: NDArray) -> Iterator[Group]:
    """What the scores (N, K) say of the errors: of all faces, of the tenths with the lowest and the highest
    scores, and of the heads that are turned (N,) degrees to either side."""
    nme, sure = errors.nme, scores.mean(axis=1)
    relative = errors.distance / errors.normalizer[:, None]
    # Some points are harder than others everywhere, so each is ranked among its own.
    by_point = [rank_correlation(s, e) for s, e in zip(scores.T, relative.T, strict=True)]
    yield replace(
        _group("all", nme, sure),
        rank_correlation=rank_correlation(sure, nme),
        point_rank_correlation=float(np.mean(by_point)),
    )
    order, tenth = np.argsort(sure, kind="stable"), max(1, len(sure) // 10)
    yield _group("least sure tenth", nme[order[:tenth]], sure[order[:tenth]])
    yield _group("most sure tenth", nme[order[-tenth:]], sure[order[-tenth:]])
    edges = [0.0, HALF_TURN, FAR_TURN, np.inf]
    for low, high in itertools.pairwise(edges):
        inside = (turns >= low) & (turns < high)
        if inside.any():
            name = f"turned {low:.0f}-{high:.0f} deg" if np.isfinite(high) else f"turned {low:.0f}+ deg"
            yield _group(name, nme[inside], sure[inside])


def _group(name: str, nme: NDArray, sure: NDArray) -> Group:
    return Group(name, len(nme), float(nme.mean()), metrics.failure_rate(nme), float(sure.mean()))


def rank_correlation(a: NDArray, b: NDArray) -> float:
    """Spearman's correlation of two (N,) arrays; 0 where one of them is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: NDArray) -> NDArray[np.float64]:
    """The place of each value among all, equal ones in the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
