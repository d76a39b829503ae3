"""Latency: the arithmetic, and one quick measurement."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from onnx_models import make_spec, save_constant_model

from bench.cache import Cache
from bench.candidates import find_candidates
from bench.host import host_kind
from bench.tasks import latency
from bench.tasks.peak import peak
from bench.timing import Effort, interleaved_times, ratio, statistics, stopwatch, time_runs


def test_statistics_of_known_times():
    figures = statistics(np.arange(1.0, 102.0))
    assert (figures.median_ms, figures.p90_ms, figures.p99_ms, figures.runs) == (51, 91, 100, 101)


def test_work_is_warmed_up_and_repeated():
    calls = []
    times = time_runs(stopwatch(lambda: calls.append(1)), Effort(runs=20, seconds=0, most_seconds=5))
    assert len(times) == 20
    assert len(calls) == 23


def test_the_ratio_of_paired_times_survives_a_machine_that_slows_down(rng):
    slower = np.linspace(1, 3, 200)
    first = slower * rng.normal(10, 0.3, 200)
    result = ratio(first, first * 1.5 * rng.normal(1, 0.02, 200))
    assert result.low < 1.5 < result.high
    assert result.high - result.low < 0.03


def test_all_clocks_take_turns_and_the_median_of_a_turn_counts():
    order: list[int] = []
    milliseconds = itertools.cycle([100.0, 2.0, 1.0, 3.0, 4.0])  # the first run wakes up

    def clock(which):
        order.append(which)
        return next(milliseconds) + which

    times = interleaved_times([lambda: clock(0), lambda: clock(10), lambda: clock(20)], 4)
    assert times.tolist() == [[3.0] * 4, [13.0] * 4, [23.0] * 4]
    assert len({tuple(order[i : i + 15 : 5]) for i in range(0, 45, 15)}) == 3  # another one begins each time


def test_rows_say_what_ran(tmp_path, monkeypatch):
    monkeypatch.setattr(latency.host, "load", lambda: 0.5)
    (candidate,), problems = find_candidates([str(save_constant_model(tmp_path))], ["cpu"], 1)
    assert not problems
    cache = Cache(tmp_path / "cache")
    rows = latency.measure(candidate, ["cpu"], [1], latency.BATCHES, latency.QUICK, cache)
    assert [(r.kind, r.batch) for r in rows] == [
        ("network", 1),
        ("network", 8),
        ("network", 32),
        ("whole", 1),
    ]
    for row in rows:
        assert row.faces_per_s == pytest.approx(row.batch * 1000 / row.median_ms)
        assert row.provider == "cpu"
        assert row.threads == 1
        assert 0 < row.median_ms <= row.p90_ms <= row.p99_ms
        assert row.memory_mb > 10
        assert row.cpu
        assert "onnxruntime" in row.versions
    assert rows[0].peak_share is None  # the tiny file does not say how many multiply-adds it makes
    whole = rows[-1]
    stages = [getattr(whole, f"{name}_ms") for name in ("decode", "detect", "crop", "network", "draw")]
    assert 0 < min(stages) < max(stages) < whole.p99_ms
    assert latency.measure(candidate, ["cpu"], [1], latency.BATCHES, latency.QUICK, cache) == rows


def test_the_times_of_a_face_are_interleaved(tmp_path, monkeypatch):
    monkeypatch.setattr(latency.host, "load", lambda: 0.5)
    files = [str(save_constant_model(tmp_path, make_spec(name))) for name in ("one", "two")]
    found, _ = find_candidates(files, ["cpu"], None)
    cache = Cache(tmp_path / "cache")
    rows = latency.measure_faces(found, 1, 3, cache)
    assert [(r.model, r.kind, r.threads, r.batch, r.runs) for r in rows] == [
        ("one", "face", 1, 1, 3),
        ("two", "face", 1, 1, 3),
    ]
    assert all("onnxruntime" in row.versions and row.median_ms > 0 for row in rows)
    assert latency.measure_faces(found, 1, 3, cache) == rows


def test_times_of_a_busy_machine_are_measured_again(tmp_path, monkeypatch):
    (candidate,), _ = find_candidates([str(save_constant_model(tmp_path))], ["cpu"], 1)
    cache = Cache(tmp_path / "cache")
    measured = []
    for load in (99.0, 0.5, 99.0):
        monkeypatch.setattr(latency.host, "load", lambda load=load: load)
        measured.append(latency.measure(candidate, ["cpu"], [1], [1], latency.QUICK, cache))
    assert latency.was_busy(measured[0])
    assert not latency.was_busy(measured[1])
    assert measured[1] == measured[2]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_share_of_the_peak_is_that_of_its_multiply_adds(precision, tmp_path, monkeypatch):
    assert peak(precision, 1) > 1e8
    monkeypatch.setattr(latency, "peak", lambda wanted, _: 1e12 if wanted == precision else None)
    spec = replace(make_spec("tiny"), multiply_adds=10**6, precision=precision)
    path = save_constant_model(tmp_path, spec)
    (candidate,), _ = find_candidates([str(path)], ["cpu"], 1)
    row = latency.measure(candidate, ["cpu"], [1], [1], latency.QUICK, Cache(tmp_path / "cache"))[0]
    assert row.gmacs_per_s == pytest.approx(1e-3 * row.faces_per_s)
    assert row.peak_share == pytest.approx(100 * row.gmacs_per_s / 1000)


def test_the_host_kind_is_a_plain_word():
    assert "_" not in host_kind()
    assert "/" not in host_kind()
    assert host_kind().endswith("core")
