"""What a run remembers of its predictions, and the animation that is made of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from PIL import Image
from small_runs import SPOT, fit

from fkp.__main__ import main
from fkp.history import PredictionHistory
from fkp.training import recipes
from fkp.training.history import record

SHORT = SPOT.replace(epochs=2)


class Faces:
    """Stands for a `CropDataset` of faces whose points are all at (i/10, i/10)."""

    recipe = SimpleNamespace(input_size=(20, 10))

    def __len__(self):
        return 9

    def __getitem__(self, key):
        draw, index = key
        assert draw == 0
        return None, np.full((1, 2), index / 10, np.float32), index


def evaluated(value: float) -> SimpleNamespace:
    """Predictions at one place of the unit frame, in the pixels of the crop."""
    return SimpleNamespace(points=np.full((9, 1, 2), value) * (10, 20) - 0.5)


def test_the_same_faces_are_followed_and_a_resumed_run_overwrites_its_future(tmp_path):
    for epoch, value in ((0, 0.5), (1, 0.6), (2, 0.7), (3, 0.8), (2, 0.9)):
        record(tmp_path, epoch, Faces(), evaluated(value))
    dynamics = PredictionHistory.load(tmp_path)
    assert dynamics.epochs.tolist() == [0, 1, 2]
    np.testing.assert_allclose(dynamics.points[:, :, 0, 0], np.array([[0.5], [0.6], [0.9]]).repeat(6, 1))
    np.testing.assert_allclose(dynamics.truth[:, 0, 0], [0, 0.1, 0.3, 0.4, 0.6, 0.8])
    record(tmp_path, 0, Faces(), evaluated(0.1))
    assert PredictionHistory.load(tmp_path).epochs.tolist() == [0]
    assert [p.name for p in tmp_path.iterdir()] == ["dynamics.npz"]


def test_there_are_none_before_a_run(tmp_path):
    assert PredictionHistory.load(tmp_path) is None


def test_a_run_can_be_inspected_before_it_is_exported(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FKP_DATA", raising=False)
    run = fit(tmp_path, SHORT, "runs/spot")
    dynamics = PredictionHistory.load(run.folder)
    assert dynamics.epochs.tolist() == [0, 1, 2]
    assert dynamics.points.shape == (3, 6, 1, 2)
    errors = np.abs(dynamics.points - dynamics.truth).mean(axis=(1, 2, 3))
    assert errors[-1] < errors[0]

    monkeypatch.setattr(recipes, "get_recipe", lambda name: {"spot": SHORT}[name])
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "spot"]) == 0
    assert {p.name for p in (tmp_path / "inspect" / "spot").iterdir()} == {"filters.png", "training.gif"}
    with Image.open("inspect/spot/training.gif") as animation:
        assert animation.n_frames == 3
    (run.folder / "weights.pt").unlink()
    assert main(["inspect", "spot"]) == 2
    assert "no run of that name" in capsys.readouterr().err
