"""One thread per core over faces or pictures, each with single-threaded libraries.

Many small pieces of work side by side keep all cores busier than one piece after the other that is
split up inside, and no result depends on how many cores there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import cv2
from tqdm import tqdm

from bench.host import usable_cores

T = TypeVar("T")
R = TypeVar("R")


class PerThread(threading.local, Generic[T]):
    """One object per thread: for objects that cannot be shared, or would make one thread wait for another."""

    def __init__(self, make: Callable[[], T]) -> None:
        self.value = make()


def on_all_cores(
    work: Callable[[T], R], items: Sequence[T], title: str, unit: str, threads: int | None = None
) -> list[R]:
    """The results of `work` for every item, in their order, under a progress bar.

    The first error ends it: what has not begun by then is not begun.

    Args:
        work: is called from several threads at once.
        items: what it is called with.
        title: of the progress bar.
        unit: what the bar counts.
        threads: None for one per core.
    """
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool = ThreadPoolExecutor(threads or usable_cores())
    try:
        return list(tqdm(pool.map(work, items), total=len(items), desc=title, unit=unit))
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(opencv_threads)
