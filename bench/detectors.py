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
from bench.cache import file_hash
from fkp.runtime.detectors import DETECTORS, Detector, FkpDetector, YuNetDetector, get_detector

RUNTIME_DETECTOR = "fkp"  # the runtime's default
_THREADS = 1  # of a detector; OpenCV's are set for all at once


@dataclass(frozen=True, slots=True)
class DetectorCandidate:
    """One face detector to measure.

    Attributes:
        name: unique in a run.
        sha256: of its file; without one, of what identifies it.
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
        ModelError: the file is no YuNet, or a detector of ours is missing.
        BaselineError: a baseline does not start.
    """
    candidates = [own_detector(name) for name in DETECTORS]
    if yunet is not None:
        YuNetDetector(yunet)  # says what is wrong before anything is measured
        candidates.append(
            DetectorCandidate("yunet", file_hash(yunet), "opencv", partial(YuNetDetector, yunet))
        )
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
    load = partial(get_detector, name, _THREADS)
    detector = load()
    if isinstance(detector, FkpDetector):
        return DetectorCandidate(name, file_hash(detector.path), "cpu", load)
    digest = hashlib.sha256(f"{name} of OpenCV {cv2.__version__}".encode()).hexdigest()
    return DetectorCandidate(name, digest, "opencv", load)


def detector_hash() -> str:
    """SHA-256 of the file of the runtime's own detector."""
    return own_detector(RUNTIME_DETECTOR).sha256
