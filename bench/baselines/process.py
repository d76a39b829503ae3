"""A baseline's module in another interpreter, connected by pipes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.baselines.wire import read_message, write_message
from bench.candidates import Candidate
from fkp.errors import BaselineError
from fkp.runtime.detectors import Detections
from fkp.schemes import IBUG68

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A module of this folder that serves another project's model.

    Attributes:
        module: its name.
        note: what readers must know of the model.
        version: of what the module computes; increase it when its results change.
    """

    module: str
    note: str
    version: int = 1


# Landmark models of 68 points.
BASELINES: Mapping[str, Baseline] = {
    "dlib68": Baseline(
        "bench.baselines.dlib68",
        "dlib's shape predictor (Kazemi and Sullivan, CVPR 2014); its training set holds these 300-W test "
        "faces; the data set's boxes are its own detector's",
    ),
    "mediapipe": Baseline(
        "bench.baselines.mediapipe_mesh",
        "MediaPipe face mesh with refined landmarks, mapped to the 68 points; its jaw line is another one",
    ),
}
# Face detectors.
DETECTOR_BASELINES: Mapping[str, Baseline] = {
    "dlib-hog": Baseline(
        "bench.baselines.dlib_hog",
        "dlib's frontal face detector (HOG; King, 2015), pictures of at most 640 pixels, up-sampled once",
    ),
}


class BaselineProcess:
    """A running baseline; it ends with the object.

    Attributes:
        versions: of its libraries, in words.
        sha256: of these, and of its module's name and version.
        milliseconds: of its last prediction, without the transfer.
    """

    versions: str
    sha256: str
    milliseconds: float

    def __init__(self, name: str, baseline: Baseline) -> None:
        """Start it.

        Raises:
            BaselineError: it does not start.
        """
        self._name = name
        # The interpreter in which the baselines are installed, where that is another one than ours.
        python = os.environ.get("FKP_PEERS_PYTHON") or sys.executable
        words = [python, "-m", baseline.module]
        self._lock = threading.Lock()
        with _one_core():  # as our own models' times are measured
            try:
                self._process = subprocess.Popen(
                    words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            except OSError as error:
                raise BaselineError(
                    f"the baseline {name} cannot be started: FKP_PEERS_PYTHON names {python}, which is no "
                    "interpreter that runs"
                ) from error
        self.versions = self._receive().tobytes().decode()
        identity = f"{name} {baseline.version} {self.versions}"
        self.sha256 = hashlib.sha256(identity.encode()).hexdigest()

    def ask(self, image: NDArray[np.uint8], boxes: ArrayLike) -> NDArray[np.float32]:
        """Points for canonical boxes (N, 4) in a picture, or for all faces of the picture where N is 0."""
        assert self._process.stdin is not None
        with self._lock:
            try:
                write_message(self._process.stdin, image)
                write_message(self._process.stdin, np.asarray(boxes, np.float64).reshape(-1, 4))
            except OSError as error:
                raise self._error() from error
            reply = self._receive()
            self.milliseconds = float(self._receive()[0])
            return reply

    def _receive(self) -> NDArray:
        assert self._process.stdout is not None
        try:
            return read_message(self._process.stdout)
        except EOFError:
            raise self._error() from None

    def _error(self) -> BaselineError:
        return BaselineError(
            f"the baseline {self._name} does not run: `pip install -r bench/baselines/requirements.txt` "
            "(into an environment of its own, named by FKP_PEERS_PYTHON, where versions clash)"
        )

    def __del__(self) -> None:
        if process := getattr(self, "_process", None):
            process.kill()
            process.communicate()


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """Bind the processes started here to one core, where the system allows it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class BaselineModel:
    """A landmark model of 68 points in a process of its own."""

    def __init__(self, process: BaselineProcess) -> None:
        self._process = process

    def predict(self, image: NDArray[np.uint8], boxes: ArrayLike) -> NDArray[np.float32]:
        """Landmarks (N, 68, 2), image frame, for canonical boxes (N, 4); NaN for a face not found."""
        if np.size(boxes) == 0:  # to the process no boxes mean the whole picture
            return np.empty((0, IBUG68.num_points, 2), np.float32)
        return self._process.ask(image, boxes).reshape(-1, IBUG68.num_points, 2)

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Landmarks (M, 68, 2), image frame, of the faces that the baseline's own detector finds."""
        return self._process.ask(image, np.empty((0, 4))).reshape(-1, IBUG68.num_points, 2)

    def milliseconds(self, image: NDArray[np.uint8], boxes: ArrayLike) -> float:
        """What `predict` takes in the baseline's own process."""
        self.predict(image, boxes)
        return self._process.milliseconds


class BaselineDetector:
    """A face detector in a process of its own."""

    def __init__(self, process: BaselineProcess) -> None:
        self._process = process
        self.sha256 = process.sha256

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """The faces of a picture, with canonical boxes."""
        rows = self._process.ask(image, np.empty((0, 4))).reshape(-1, 5)
        return Detections(rows[:, :4], rows[:, 4])


def open_baselines(names: Sequence[str]) -> list[Candidate]:
    """The landmark models of these names as candidates.

    Raises:
        BaselineError: one does not start.
    """
    return [_candidate(name) for name in names]


def open_detector(name: str) -> BaselineDetector:
    """The face detector of that name in a new process.

    Raises:
        BaselineError: it does not start.
    """
    return BaselineDetector(BaselineProcess(name, DETECTOR_BASELINES[name]))


def _candidate(name: str) -> Candidate:
    process = BaselineProcess(name, BASELINES[name])
    model = BaselineModel(process)
    return Candidate(
        name=name,
        scheme=IBUG68,
        sha256=process.sha256,
        provider="own",
        open=lambda: model,
        origin="baseline",
        find=model.find,
        milliseconds=model.milliseconds,
        versions=process.versions,
    )
