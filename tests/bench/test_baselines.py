"""The connection between a baseline's process and ours."""

from __future__ import annotations

import io

import numpy as np
import pytest
from onnx_models import make_spec, save_constant_model

from bench import host
from bench.__main__ import main
from bench.baselines import open_baselines, process
from bench.baselines.boxes import own_boxes
from bench.baselines.wire import read_message, write_message
from bench.cache import Cache
from bench.commands import latency
from bench.results import read_rows
from bench.rows import InterleavedRow
from bench.tasks.latency import measure_faces
from fkp.errors import BaselineError
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


def test_a_baseline_that_is_not_installed_says_what_to_do(monkeypatch):
    monkeypatch.setenv("FKP_PEERS_PYTHON", "/bin/false")
    with pytest.raises(BaselineError, match="pip install -r bench/baselines/requirements"):
        open_baselines(["dlib68"])


@pytest.fixture
def fake_baseline(monkeypatch):
    monkeypatch.delenv("FKP_PEERS_PYTHON", raising=False)
    monkeypatch.setitem(process.BASELINES, "fake", process.Baseline("tests.fake_baseline", "for the tests"))
    (candidate,) = open_baselines(["fake"])
    return candidate


def test_a_baseline_predicts_in_its_own_process_and_times_itself(fake_baseline):
    image = np.zeros((40, 60, 3), np.uint8)
    points = fake_baseline.open().predict(image, [[10, 10, 30, 20], [0, 0, 40, 40]])
    assert points.shape == (2, 68, 2)
    np.testing.assert_array_equal(points[:, 5], [[20, 15], [20, 20]])
    assert fake_baseline.find(image).shape == (0, 68, 2)
    assert fake_baseline.open().predict(image, []).shape == (0, 68, 2)
    assert fake_baseline.milliseconds(image, [[10, 10, 30, 20]]) >= 5


def test_the_latency_of_a_baseline_is_a_row_like_those_of_models(fake_baseline, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "load", lambda: 0.5)
    (row,) = measure_faces([fake_baseline], 1, 3, Cache(tmp_path))
    assert (row.model, row.provider, row.kind, row.threads, row.batch) == (
        "fake", "own", "face", 1, 1,
    )  # fmt: skip
    assert row.median_ms >= 5
    assert row.versions.startswith("fake 1.0, numpy ")  # of the baseline's process, whatever runs here
    assert measure_faces([fake_baseline], 1, 3, Cache(tmp_path)) == [row]


def test_an_interpreter_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("FKP_PEERS_PYTHON", "/nowhere/python")
    with pytest.raises(BaselineError, match=r"dlib68.*FKP_PEERS_PYTHON names /nowhere/python"):
        open_baselines(["dlib68"])


def test_a_file_that_calls_itself_like_a_baseline_is_not_measured(fake_baseline, tmp_path, capsys):
    file = str(save_constant_model(tmp_path, make_spec("fake")))
    assert main(["latency", "--compare", "fake", file, "--quick"]) == 2
    assert "calls itself fake, which is the name of a baseline" in capsys.readouterr().err


def test_a_baseline_and_a_model_are_timed_in_turns(fake_baseline, tmp_path, capsys, monkeypatch):
    file = str(save_constant_model(tmp_path))
    results = tmp_path / "results"
    assert main(["latency", "--compare", "fake", file, "--quick"]) == 0
    assert "its ratio to that of fake" in capsys.readouterr().out
    monkeypatch.setattr(latency, "_COMPARE_ROUNDS", 8)
    assert main(["latency", "--compare", "fake", file, "--threads", "1", "--results", str(results)]) == 0
    baseline, model = sorted(read_rows(results, InterleavedRow), key=lambda row: row.model != "fake")
    assert baseline.median_ms >= 5
    assert baseline.ratio == 1
    assert model.rival == "fake"
    assert 0 < model.ratio_from <= model.ratio <= model.ratio_to < 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fake"], "at least two"),
        (["fake", "fake"], "at least two"),
        (["fake", "fkp68-tiny", "--threads", "2"], "leave out --threads"),
        (["fake", "fkp68-tiny", "--baselines", "dlib68"], "leave out --models and --baselines"),
    ],
)
def test_what_cannot_be_compared_is_refused(fake_baseline, words, said, capsys):
    assert main(["latency", "--compare", *words]) == 2
    assert said in capsys.readouterr().err
