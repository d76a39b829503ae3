"""Runs a peer's module in another interpreter, and speaks with it over pipes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.cache import file_hash
from bench.contenders import Contender
from bench.peers.wire import read_message, write_message
from fkp.schemes import get_scheme

_ROOT = Path(__file__).resolve().parents[2]


class PeerError(RuntimeError):
    """A peer cannot be used; one sentence says which one and what to do."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A module of this folder that serves a model, and what readers must know of it."""

    module: str
    scheme: str
    note: str


PEERS: Mapping[str, Peer] = {
    "dlib68": Peer(
        "bench.peers.dlib68",
        "ibug68",
        "dlib's shape predictor (Kazemi and Sullivan, CVPR 2014); its training set holds these 300-W test "
        "faces; the data set's boxes are its own detector's",
    ),
    "mediapipe": Peer(
        "bench.peers.mediapipe_mesh",
        "ibug68",
        "MediaPipe face mesh with refined landmarks, mapped to the 68 points; its jaw line is another one",
    ),
}


class PeerProcess:
    """A running peer; it ends with the object."""

    def __init__(self, name: str) -> None:
        """Start it.

        Raises:
            PeerError: it does not start.
        """
        self._name = name
        peer = PEERS[name]
        self._count = get_scheme(peer.scheme).num_points
        # The interpreter in which the peers are installed, where that is another one than ours.
        python = os.environ.get("FKP_PEERS_PYTHON") or sys.executable
        words = [python, "-m", peer.module]
        self._process = subprocess.Popen(
            words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.versions = json.loads(self._answer().tobytes())

    def predict(self, image: NDArray[np.uint8], boxes: ArrayLike) -> NDArray[np.float32]:
        """Landmarks (N, 68, 2), image frame, for canonical boxes (N, 4); NaN for a face not found."""
        assert self._process.stdin is not None
        try:
            write_message(self._process.stdin, image)
            write_message(self._process.stdin, np.asarray(boxes, np.float64).reshape(-1, 4))
        except OSError as error:
            raise self._error() from error
        return self._answer().reshape(-1, self._count, 2)

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Landmarks (M, 68, 2), image frame, of the faces that the peer's own detector finds."""
        return self.predict(image, np.empty((0, 4)))

    def _answer(self) -> NDArray:
        assert self._process.stdout is not None
        try:
            return read_message(self._process.stdout)
        except EOFError:
            raise self._error() from None

    def _error(self) -> PeerError:
        return PeerError(
            f"the peer {self._name} does not run: `pip install -r bench/peers/requirements.txt` (into an "
            "environment of its own, named by FKP_PEERS_PYTHON, where versions clash)"
        )

    def __del__(self) -> None:
        if process := getattr(self, "_process", None):
            process.kill()
            process.communicate()


def open_peers(names: Sequence[str]) -> list[Contender]:
    """The peers as contenders.

    Raises:
        PeerError: one does not start.
    """
    return [_contender(name) for name in names]


def _contender(name: str) -> Contender:
    peer = PEERS[name]
    process = PeerProcess(name)
    module = _ROOT / Path(*peer.module.split(".")).with_suffix(".py")
    identity = f"{json.dumps(process.versions, sort_keys=True)} {file_hash(module)}"
    return Contender(
        name=name,
        scheme=get_scheme(peer.scheme),
        sha256=hashlib.sha256(identity.encode()).hexdigest(),
        provider="own",
        open=lambda: process,
        find=process.find,
    )
