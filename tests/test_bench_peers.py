"""What lies between a peer's process and ours."""

from __future__ import annotations

import io

import numpy as np
import pytest

from bench.peers import PeerError, open_peers
from bench.peers.boxes import own_boxes
from bench.peers.wire import read_message, write_message
from fkp.geometry import BoxMap


def test_arrays_go_through_a_pipe_unchanged(rng):
    stream = io.BytesIO()
    arrays = [rng.integers(0, 255, (4, 5, 3), np.uint8), rng.normal(size=(2, 4)), np.empty((0, 4))]
    for array in arrays:
        write_message(stream, array)
    stream.seek(0)
    for array in arrays:
        got = read_message(stream)
        np.testing.assert_array_equal(got, array)
        assert got.dtype == array.dtype
    with pytest.raises(EOFError):
        read_message(stream)


def test_own_boxes_undo_a_box_map(rng):
    box_map = BoxMap(0.03, 0.1, -0.02, 0.05)
    boxes = rng.uniform(0, 100, (6, 4)) + np.array([0, 0, 150, 150])
    np.testing.assert_allclose(own_boxes(box_map(boxes), box_map), boxes)


def test_a_peer_that_is_not_installed_says_what_to_do(monkeypatch):
    monkeypatch.setenv("FKP_PEERS_PYTHON", "/bin/false")
    with pytest.raises(PeerError, match="pip install -r bench/peers/requirements"):
        open_peers(["dlib68"])
