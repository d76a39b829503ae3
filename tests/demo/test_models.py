"""What visitors choose from: the order of models, how they run, and what was measured of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from demo_server import save_models
from onnx_models import make_spec, save_indexed_model

from demo import measurements, models
from demo.handlers import leaderboard
from fkp.spec import ModelSpec, Validation


def validated(name: str, scheme: str, error: float) -> ModelSpec:
    return replace(make_spec(name, scheme), validation=Validation("set", "NME %", error))


def test_the_picker_puts_the_best_of_each_kind_first(tmp_path, monkeypatch):
    for name, scheme, error in (("c", "nose1", 1), ("b", "ibug68", 9), ("a", "ibug68", 4), ("d", "imm58", 2)):
        save_indexed_model(tmp_path, validated(name, scheme, error))
    monkeypatch.setenv("FKP_MODELS", str(tmp_path))
    labels, names = zip(*models.choices(), strict=True)
    assert names == ("a", "b", "d", "c")
    assert labels[0].startswith("a · 68 points · 4.0\u00a0% · ")


def test_of_models_that_err_alike_the_fastest_comes_first(tmp_path, monkeypatch):
    errors = {"fine": 2.97, "fast": 3.06, "worse": 3.08}
    for name, error in errors.items():
        save_indexed_model(tmp_path, validated(name, "ibug68", error))
    monkeypatch.setenv("FKP_MODELS", str(tmp_path))
    monkeypatch.setattr(measurements, "speeds", lambda: {"fine": 5.0, "fast": 2.0, "worse": 1.0})
    assert [entry.name for entry in models.usable()] == ["fast", "fine", "worse"]


@pytest.mark.parametrize(
    ("scheme", "error", "expected"),
    [("ibug68", 3.4, 2), ("ibug68", 13.3, 1), ("imm58", 3.1, 1), ("nose1", 2, 1)],
)
def test_only_models_that_are_about_right_get_two_passes(scheme, error, expected):
    spec = validated("any", scheme, error)
    assert models.passes(spec) == expected
    assert models.passes(replace(spec, validation=None)) == 1


def test_models_share_their_detector(tmp_path, monkeypatch):
    save_models(tmp_path)
    monkeypatch.setenv("FKP_MODELS", str(tmp_path))
    first, second = models.get_landmarker("big"), models.get_landmarker("middle")
    assert first is not second
    assert first._detector is second._detector
    assert models.get_landmarker("big", video=True) is not first


def test_figures_are_those_of_todays_files(tmp_path, monkeypatch):
    (tmp_path / "index.json").write_text('{"models": {"big": {"sha256": "new"}, "small": {"sha256": "new"}}}')
    monkeypatch.setenv("FKP_MODELS", str(tmp_path))
    big = {"sha256": "new", "nme": {"ibug68": 3.5, "nose1": 7}, "ms": 12.5}
    untimed = {"sha256": "any", "nme": {"ibug68": 4.5}, "ms": None}
    models = {"big": big, "small": big | {"sha256": "old"}, "of others": untimed}
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"host": "X", "models": models}))
    assert measurements.errors("ibug68", path) == {"big": 3.5, "of others": 4.5}
    assert measurements.errors("imm58", path) == {}
    assert measurements.speeds(path) == {"big": 12.5}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"models": {"big": {}}}', '{"models": {"big": {"sha256": "a", "nme": 1, "ms": 2}}}'],
)
def test_without_a_whole_summary_there_are_no_figures(tmp_path, text):
    assert measurements.speeds(tmp_path / "nothing") == {}
    path = tmp_path / "summary.json"
    path.write_text(text)
    assert measurements.errors("ibug68", path) == measurements.speeds(path) == {}


def test_the_leaderboard_frames_the_committed_report(tmp_path, monkeypatch):
    assert f'src="{leaderboard.ADDRESS}"' in leaderboard.report()
    monkeypatch.setattr(leaderboard, "REPORT", tmp_path / "leaderboard.html")
    assert "No results" in leaderboard.report()
