"""How times are taken: one timer, alone until it is steady, or several interleaved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench import host

Clock = Callable[[], float]  # runs something once and says how many milliseconds it took

_RESAMPLES = 2000
_BURST = 5  # runs in a row of one clock


def stopwatch(work: Callable[[], object]) -> Clock:
    """A clock that does some work each time, and returns the milliseconds."""

    def clock() -> float:
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) * 1000

    return clock


@dataclass(frozen=True, slots=True)
class Effort:
    """How long one figure is measured: until both are reached, but no longer than `most_seconds`."""

    runs: int = 100
    seconds: float = 0.5
    most_seconds: float = 4.0


def time_runs(clock: Clock, effort: Effort) -> NDArray[np.float64]:
    """Milliseconds of many runs by a clock, after a warm-up."""
    begin = time.perf_counter()
    for _ in range(max(3, effort.runs // 10)):
        clock()
        if time.perf_counter() - begin > effort.most_seconds / 4:
            break
    times: list[float] = []
    begin = time.perf_counter()
    spent = 0.0
    while (len(times) < effort.runs or spent < effort.seconds) and spent < effort.most_seconds:
        times.append(clock())
        spent = time.perf_counter() - begin
    return np.array(times)


def interleaved_times(
    clocks: Sequence[Clock], rounds: int, burst: int = _BURST, title: str = "interleaved"
) -> NDArray[np.float64]:
    """Milliseconds by each clock, (clocks, rounds).

    Every clock runs in every round, so that drifts of the machine affect all alike; another one begins each
    time. A clock runs `burst` times in a row, of which the median counts: the first run wakes up a process
    that slept meanwhile and fills the caches.
    """
    times = np.empty((len(clocks), rounds))
    for i in tqdm(range(rounds), desc=title, unit="round"):
        for offset in range(len(clocks)):
            which = (offset + i) % len(clocks)
            times[which, i] = np.median([clocks[which]() for _ in range(burst)])
    return times


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time of the second model over that of the first, with a 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def ratio(first: NDArray, second: NDArray) -> Ratio:
    """The median ratio of paired times (N,), and its 95 % interval over resampled pairs."""
    ratios = np.asarray(second) / np.asarray(first)
    picks = np.random.default_rng(0).integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[picks], axis=1), (2.5, 97.5))
    return Ratio(float(np.median(ratios)), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Statistics:
    """Many times in few figures: milliseconds, the number of runs, and the load of the machine afterwards."""

    median_ms: float
    p90_ms: float
    p99_ms: float
    runs: int
    load: float | None


def statistics(times: NDArray) -> Statistics:
    """The figures of milliseconds (N,)."""
    median, p90, p99 = (float(value) for value in np.percentile(times, (50, 90, 99)))
    return Statistics(median, p90, p99, len(times), host.load())
