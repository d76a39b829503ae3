"""Killed runs and damaged files of a run: each resumes, is made anew, or is named in one sentence."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import SPOT, fit, prepared, spots

from fkp.errors import RunError, UsageError
from fkp.export.onnx_export import export
from fkp.history import NAME, PredictionHistory
from fkp.training import trainer as base_trainer
from fkp.training.config import TrainingConfig
from fkp.training.crops import load_crops
from fkp.training.losses import Loss
from fkp.training.queue import is_finished
from fkp.training.run import Run

SHORT = SPOT.replace(epochs=2)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {root!r}]
import small_runs
from fkp.training import trainer
trainer._CHECKPOINT_SECONDS = 0
small_runs.fit(Path({folder!r}), folder="killed")
"""


def test_a_run_that_is_killed_resumes_to_the_same_weights(tmp_path):
    whole = fit(tmp_path, folder="whole").load_weights(SPOT)
    tests = Path(__file__).parents[1]
    script = tmp_path / "killed.py"
    script.write_text(KILLED.format(tests=str(tests), root=str(tests.parent), folder=str(tmp_path)))
    run = Run(tmp_path / "killed")
    for epochs in (1, 3):  # the second one resumes first
        process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while run.epochs_seen < epochs and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert run.epochs_seen >= epochs
    resumed = fit(tmp_path, folder="killed").load_weights(SPOT)
    assert resumed.epoch == whole.epoch
    for name, value in whole.model.items():
        torch.testing.assert_close(resumed.model[name], value)


@pytest.mark.parametrize("step", ["_save", "_write_log"])
@pytest.mark.parametrize("epoch", [1, 2])
def test_wherever_an_epoch_is_interrupted_the_run_is_trained_to_its_end(tmp_path, monkeypatch, step, epoch):
    monkeypatch.setattr(base_trainer, "_CHECKPOINT_SECONDS", 0)
    original = getattr(base_trainer.Trainer, step)

    def interrupt(self):
        if len(self.history) == epoch:
            raise KeyboardInterrupt
        original(self)

    with monkeypatch.context() as patch:
        patch.setattr(base_trainer.Trainer, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path, SHORT)
    assert not is_finished(SHORT, Run(tmp_path / "run"))
    assert is_finished(SHORT, fit(tmp_path, SHORT))


def saved(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


DAMAGES = {
    "empty": lambda whole: b"",
    "zeroed": lambda whole: bytes(len(whole)),
    "half of it": lambda whole: whole[: len(whole) // 2],
    "text": lambda whole: b"no file of a run",
    "its middle zeroed": lambda whole: whole[:2000] + bytes(len(whole) - 4000) + whole[-2000:],
    "a list": lambda whole: saved([1, 2]),
    "a number": lambda whole: saved(3),
    "an empty table": lambda whole: saved({}),
    "other types": lambda whole: saved(dict.fromkeys(torch.load(io.BytesIO(whole)), 3)),
    "no weights": lambda whole: saved(torch.load(io.BytesIO(whole)) | {"model": {}}),
    "weights of another shape": lambda whole: saved(
        torch.load(io.BytesIO(whole))
        | {"model": {name: torch.zeros(1) for name in torch.load(io.BytesIO(whole))["model"]}}
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the finished run `run` and its data."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FKP_CACHE", str(folder / "cache"))
        fit(folder, SHORT)
    return folder


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoints_and_weights_are_named(finished, damage):
    run = Run(finished / "run")
    for path, use in (
        (run.checkpoint, lambda: prepared(finished, SHORT)),
        (run.weights, lambda: export(SHORT, run, finished / "models")),
    ):
        whole = path.read_bytes()
        path.write_bytes(DAMAGES[damage](whole))
        try:
            with pytest.raises(RunError, match=path.name):
                use()
        finally:
            path.write_bytes(whole)
    assert prepared(finished, SHORT).finished


def test_a_damaged_log_or_history_is_written_again(tmp_path):
    run = fit(tmp_path, SHORT, until=0)
    log, history = run.log.read_text(), run.folder / NAME
    run.log.write_bytes(b"\xff\x00")
    for damage in (b"", b"PK", bytes(500), history.read_bytes()[:300]):
        history.write_bytes(damage)
        assert PredictionHistory.load(run.folder) is None
    fit(tmp_path, SHORT)
    assert run.log.read_text().startswith(log)
    assert PredictionHistory.load(run.folder).epochs.tolist() == [2]


@pytest.mark.parametrize("damage", [0, 1, 100, 5000, -1])
def test_a_damaged_cache_of_crops_is_made_anew(tmp_path, damage):
    """From the byte `damage` on the file holds zeros only; -1 is a file that is cut short."""
    samples = spots(tmp_path / "pictures", 4, 0)
    first = np.array(load_crops(samples, SPOT).images)
    (path,) = (tmp_path / "cache").glob("*.npy")
    whole = path.read_bytes()
    path.write_bytes(whole[:damage] + bytes(len(whole) - damage) if damage >= 0 else whole[:damage])
    np.testing.assert_array_equal(load_crops(samples, SPOT).images, first)
    assert path.read_bytes() == whole


def test_without_a_cache_crops_stay_in_memory(tmp_path, monkeypatch):
    samples = spots(tmp_path / "pictures", 4, 0)
    first = np.array(load_crops(samples, SPOT).images)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match="cannot be cached in .*file .*in memory"):
        np.testing.assert_array_equal(load_crops(samples, SPOT).images, first)


def test_misspelt_choices_list_the_names():
    with pytest.raises(UsageError, match="unknown optimizer 'adm'; known: adam, adamw, rmsprop"):
        TrainingConfig(epochs=1, batch_size=1, optimizer="adm")
    with pytest.raises(UsageError, match="unknown schedule 'cosin'; known: cosine, constant"):
        SPOT.replace(schedule="cosin")
    with pytest.raises(UsageError, match="unknown keep 'first'; known: best, last"):
        SPOT.replace(keep="first")
    with pytest.raises(UsageError, match="unknown kind 'L1'; known: mse, l1, smooth-l1"):
        Loss("L1")
