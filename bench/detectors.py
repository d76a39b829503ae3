"""The face detectors that are compared: the runtime's, and others' where they are given."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from bench.baselines import open_detector
from bench.cache import code_hash, file_hash
from fkp.runtime import detectors
from fkp.runtime.detectors import DETECTORS, Detector, FkpDetector, YuNetDetector, get_detector

_THREADS = 1  # of a detector; OpenCV's are set for all at once


@dataclass(frozen=True, slots=True)
class DetectorCandidate:
    """One face detector that takes part.

    Attributes:
        name: unique in a run.
        sha256: of what makes its answers what they are.
        provider: what runs it.
        open: loads one, for one thread.
    """

    name: str
    sha256: str
    provider: str
    open: Callable[[], Detector]


def find_detectors(yunet: Path | None, baselines: Sequence[str]) -> list[DetectorCandidate]:
    """The runtime's detectors, YuNet from a file of the user's, and baselines.

    Raises:
        ValueError: the file is no YuNet, or a detector of ours is missing.
        BaselineError: a baseline does not start.
    """
    candidates = [own_detector(name) for name in DETECTORS]
    if yunet is not None:
        YuNetDetector(yunet)  # says what is wrong before anything is measured
        sha256 = _digest("yunet", file_hash(yunet))
        candidates.append(DetectorCandidate("yunet", sha256, "opencv", partial(YuNetDetector, yunet)))
    for name in baselines:
        baseline = open_detector(name)
        candidates.append(DetectorCandidate(name, baseline.sha256, "own", partial(open_detector, name)))
    return candidates


@functools.cache
def own_detector(name: str) -> DetectorCandidate:
    """A detector of the runtime.

    Raises:
        ModelError: its file is missing or damaged.
    """
    detector = get_detector(name, _THREADS)
    file = [file_hash(detector.path)] if isinstance(detector, FkpDetector) else []
    provider = "cpu" if file else "opencv"
    return DetectorCandidate(name, _digest(name, *file), provider, partial(get_detector, name, _THREADS))


@functools.cache
def detector_hash() -> str:
    """SHA-256 of the file of the runtime's own detector."""
    return file_hash(FkpDetector(threads=_THREADS).path)


def _digest(*words: str) -> str:
    """A hash of the words and of the runtime's code and OpenCV, which the detectors run through."""
    everything = (*words, cv2.__version__, code_hash(str(detectors.__file__)))
    return hashlib.sha256(" ".join(everything).encode()).hexdigest()
