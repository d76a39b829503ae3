"""Models against each other in one run: a ratio of times travels between machines, times do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

Clock = Callable[[], float]  # runs something once and says how many milliseconds it took

_RESAMPLES = 2000
_BURST = 5  # runs of a turn


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time of the second model over that of the first, with a 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def times_in_turns(clocks: Sequence[Clock], rounds: int) -> NDArray[np.float64]:
    """Milliseconds by each clock, (clocks, rounds).

    All have their turn in every round, so that drifts of the machine hit them alike; another one begins each
    time. A turn is a few runs, of which the median counts: the first one wakes up a process that slept
    meanwhile and fills the caches.
    """
    times = np.empty((len(clocks), rounds))
    for i in tqdm(range(rounds), desc="in turns", unit="round"):
        for turn in range(len(clocks)):
            which = (turn + i) % len(clocks)
            times[which, i] = np.median([clocks[which]() for _ in range(_BURST)])
    return times


def ratio(first: NDArray, second: NDArray) -> Ratio:
    """The median ratio of paired times (N,), and its 95 % interval over resampled pairs."""
    ratios = np.asarray(second) / np.asarray(first)
    picks = np.random.default_rng(0).integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[picks], axis=1), (2.5, 97.5))
    return Ratio(float(np.median(ratios)), float(low), float(high))
