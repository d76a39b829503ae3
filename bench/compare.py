"""Two models against each other in one run: a ratio of times travels between machines, times do not."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fkp.runtime.sessions import ModelSession

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time of the second model over that of the first, with a 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def interleaved_times(
    first: ModelSession, second: ModelSession, batch: int, rounds: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Milliseconds of both models, (rounds,) each; who begins alternates, so that drifts hit both alike."""
    rng = np.random.default_rng(0)
    pairs = [(s, rng.integers(0, 256, (batch, *s.spec.input_size, 3), np.uint8)) for s in (first, second)]
    times = np.empty((2, rounds))
    for session, crops in pairs:
        for _ in range(5):
            session.run(crops)
    for i in tqdm(range(rounds), desc="comparing", unit="round"):
        for which in (0, 1) if i % 2 else (1, 0):
            session, crops = pairs[which]
            start = time.perf_counter()
            session.run(crops)
            times[which, i] = (time.perf_counter() - start) * 1000
    return times[0], times[1]


def ratio(first: NDArray, second: NDArray, seed: int = 0) -> Ratio:
    """The median ratio of paired times (N,), and its 95 % interval over resampled pairs."""
    ratios = np.asarray(second) / np.asarray(first)
    picks = np.random.default_rng(seed).integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[picks], axis=1), (2.5, 97.5))
    return Ratio(float(np.median(ratios)), float(low), float(high))
