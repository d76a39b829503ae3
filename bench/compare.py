"""Two models against each other in one run: a ratio of times travels between machines, times do not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fkp.runtime.sessions import ModelSession

Clock = Callable[[], float]  # runs something once and says how many milliseconds it took

_RESAMPLES = 2000
_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time of the second model over that of the first, with a 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def network_clock(session: ModelSession, batch: int) -> Clock:
    """Times a model's network on random crops."""
    crops = np.random.default_rng(0).integers(0, 256, (batch, *session.spec.input_size, 3), np.uint8)

    def clock() -> float:
        start = time.perf_counter()
        session.run(crops)
        return (time.perf_counter() - start) * 1000

    return clock


def interleaved_times(first: Clock, second: Clock, rounds: int) -> tuple[NDArray, NDArray]:
    """Milliseconds by both clocks, (rounds,) each; who begins alternates, so that drifts hit both alike."""
    clocks = (first, second)
    times = np.empty((2, rounds))
    for clock in clocks * _WARM_UP:
        clock()
    for i in tqdm(range(rounds), desc="comparing", unit="round"):
        for which in (0, 1) if i % 2 else (1, 0):
            times[which, i] = clocks[which]()
    return times[0], times[1]


def ratio(first: NDArray, second: NDArray, seed: int = 0) -> Ratio:
    """The median ratio of paired times (N,), and its 95 % interval over resampled pairs."""
    ratios = np.asarray(second) / np.asarray(first)
    picks = np.random.default_rng(seed).integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[picks], axis=1), (2.5, 97.5))
    return Ratio(float(np.median(ratios)), float(low), float(high))
