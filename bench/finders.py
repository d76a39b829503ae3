"""The face detectors that are compared: the runtime's, and others' where they are given."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from bench.cache import code_hash, file_hash
from bench.peers import open_finder
from fkp.runtime import detectors
from fkp.runtime.detectors import DETECTORS, Detector, FkpDetector, YuNetDetector, get_detector

_THREADS = 1  # of a detector; OpenCV's are set for all at once


@dataclass(frozen=True, slots=True)
class Finder:
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


def find_finders(yunet: Path | None, peers: Sequence[str]) -> list[Finder]:
    """The runtime's detectors, YuNet from a file of the user's, and peers.

    Raises:
        ValueError: the file is no YuNet, or a detector of ours is missing.
        PeerError: a peer does not start.
    """
    finders = [own_finder(name) for name in DETECTORS]
    if yunet is not None:
        YuNetDetector(yunet)  # says what is wrong before anything is measured
        sha256 = _digest("yunet", file_hash(yunet))
        finders.append(Finder("yunet", sha256, "opencv", partial(YuNetDetector, yunet)))
    for name in peers:
        peer = open_finder(name)
        finders.append(Finder(name, peer.sha256, "own", partial(open_finder, name)))
    return finders


@functools.cache
def own_finder(name: str) -> Finder:
    """A detector of the runtime.

    Raises:
        ModelError: its file is missing or damaged.
    """
    detector = get_detector(name, _THREADS)
    file = [file_hash(detector.path)] if isinstance(detector, FkpDetector) else []
    provider = "cpu" if file else "opencv"
    return Finder(name, _digest(name, *file), provider, partial(get_detector, name, _THREADS))


@functools.cache
def detector_hash() -> str:
    """SHA-256 of the file of the runtime's own detector."""
    return file_hash(FkpDetector(threads=_THREADS).path)


def _digest(*words: str) -> str:
    """A hash of the words and of the runtime's code and OpenCV, which the detectors run through."""
    everything = (*words, cv2.__version__, code_hash(str(detectors.__file__)))
    return hashlib.sha256(" ".join(everything).encode()).hexdigest()
