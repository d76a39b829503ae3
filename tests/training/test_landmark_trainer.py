"""The training loop and the export, on pictures made here: it learns, resumes, and exports what it learnt."""

import csv
import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_runs import SPOT, data, fit, prepared, spots, trainer

from fkp.__main__ import main
from fkp.errors import ImageError, RunError
from fkp.export import onnx_export as exporting
from fkp.export.onnx_export import export
from fkp.runtime.index import refresh_index
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.sessions import ModelSession
from fkp.training import cli as commands
from fkp.training import crops as cropping
from fkp.training import landmark_trainer
from fkp.training import trainer as base_trainer
from fkp.training.crops import CropDataset, DrawSampler, load_crops
from fkp.training.run import Run


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))


def test_it_learns_logs_exports_and_the_runtime_finds_the_spot(tmp_path):
    run = fit(tmp_path)
    rows = list(csv.DictReader((run.folder / "log.csv").open()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, SPOT.config.epochs + 1))
    assert float(rows[-1]["val_nme"]) < 0.5 * float(rows[0]["val_nme"])
    for name in ("curves.png", "cases.png"):
        assert Image.open(run.folder / name).size[0] > 300
    assert json.loads((run.folder / "config.json").read_text())["config"]["batch_size"] == 8

    path, difference = export(SPOT, run, tmp_path / "models")
    assert difference < 1e-5
    refresh_index(tmp_path / "models")
    landmarker = Landmarker(path, threads=1, detector="haar")
    assert landmarker.spec.training_data == {"spots": 48}
    assert landmarker.spec.validation.value == pytest.approx(
        min(float(row["val_nme"]) for row in rows), abs=1e-3
    )
    assert landmarker.spec.multiply_adds > 1000
    errors = []
    for sample in spots(tmp_path / "pictures", 16, 2):
        found = landmarker.predict(np.asarray(Image.open(sample.image)), sample.box[None])
        errors.append(np.linalg.norm(found[0] - sample.points))
    assert np.mean(errors) < 3  # the spots wander by 24 pixels


def test_half_precision_halves_the_file_and_keeps_the_output(tmp_path):
    run = fit(tmp_path)
    small, _ = export(SPOT, run, tmp_path / "half")
    large, _ = export(SPOT.replace(weight_dtype="float32"), run, tmp_path / "full")
    assert small.stat().st_size < 0.7 * large.stat().st_size
    crops = run.load_weights(SPOT).examples.numpy()
    a, b = (Landmarker(path, threads=1, detector="haar")._session.run(crops)[0] for path in (small, large))
    np.testing.assert_allclose(a, b, atol=2e-3)


def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path, monkeypatch):
    whole = fit(tmp_path, folder="whole").load_weights(SPOT)

    monkeypatch.setattr(base_trainer, "_CHECKPOINT_SECONDS", 0)
    interrupted = trainer(tmp_path, folder="parts")
    train_epoch = interrupted._train_epoch

    def stop_in_the_fourth(epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        return train_epoch(epoch)

    monkeypatch.setattr(interrupted, "_train_epoch", stop_in_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(*data(tmp_path))
    assert len(prepared(tmp_path, folder="parts").history) == 3
    parts = fit(tmp_path, folder="parts").load_weights(SPOT)
    assert parts.epoch == whole.epoch
    for name, value in whole.model.items():
        torch.testing.assert_close(parts.model[name], value)


def test_a_run_of_another_recipe_is_not_resumed_or_exported(tmp_path):
    short = SPOT.replace(epochs=1)
    run = fit(tmp_path, short)
    with pytest.raises(RunError, match=r"differs in config\.epochs.*--restart"):
        prepared(tmp_path)
    with pytest.raises(RunError, match=r"differs in config\.epochs"):
        export(SPOT, run, tmp_path / "models")
    with pytest.raises(RunError, match="first run `python -m fkp train spot`"):
        export(SPOT, Run(tmp_path / "nothing"), tmp_path / "models")
    reworded = short.replace(summary="other words")
    assert export(reworded, run, tmp_path / "models")[0].exists()


def test_a_recipe_starts_from_the_weights_of_another_run(tmp_path, monkeypatch):
    first = fit(tmp_path, folder="spot")
    second = SPOT.replace(name="spot-on", initial="spot", epochs=1)
    going_on = prepared(tmp_path, second, folder="spot-on")
    for name, value in first.load_weights(SPOT).model.items():
        torch.testing.assert_close(going_on.exported.state_dict()[name], value)
    path, _ = export(second, going_on.fit(*data(tmp_path)), tmp_path / "models")
    assert ModelSession(path, "cpu", 1).spec.pretrained == "spot"
    monkeypatch.delattr(landmark_trainer, "load_crops")  # nothing is decoded in vain
    with pytest.raises(RunError, match="first run `python -m fkp train nowhere`"):
        prepared(tmp_path, second.replace(initial="nowhere"), folder="lost")


def test_an_export_that_differs_is_not_written(tmp_path, monkeypatch):
    run = fit(tmp_path, SPOT.replace(epochs=1))
    monkeypatch.setattr(exporting, "PARITY_LIMITS", (0.0, 0.0))
    with pytest.raises(RunError, match="nothing was written"):
        export(SPOT.replace(epochs=1), run, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_crops_are_decoded_once_and_again_when_a_picture_changes(tmp_path, monkeypatch):
    samples = spots(tmp_path / "pictures", 4, 0)
    first = load_crops(samples, SPOT)

    def refuse(path):
        raise ImageError("decoded again")

    monkeypatch.setattr(cropping, "load_image", refuse)
    np.testing.assert_array_equal(load_crops(samples, SPOT).images, first.images)
    samples[2].image.touch()
    with pytest.raises(ImageError, match="decoded again"):
        load_crops(samples, SPOT)


def test_broken_pictures_and_missing_points_are_named(tmp_path):
    samples = spots(tmp_path / "pictures", 3, 0)
    samples[1].image.write_bytes(samples[1].image.read_bytes()[:200])
    with pytest.raises(ImageError, match=r"0-1\.png"):
        load_crops(samples, SPOT)
    assert not list((tmp_path / "cache").glob("*"))
    with pytest.raises(RunError, match=r"1 faces have no points.*0-0.png"):
        load_crops([dataclasses.replace(samples[0], points=None)], SPOT)
    with pytest.raises(RunError, match="no faces"):
        load_crops([], SPOT)


def test_every_epoch_draws_each_face_equally_often_and_anew(tmp_path):
    sampler = DrawSampler(faces=5, draws=12, seed=0)
    first = list(sampler)
    sampler.epoch = 1
    second = list(sampler)
    counts = np.bincount([index for _, index in first], minlength=5)
    assert counts.min() >= 2
    assert counts.max() <= 3
    assert [draw for draw, _ in first + second] == list(range(24))
    assert [index for _, index in first] != [index for _, index in second]

    dataset = CropDataset(load_crops(spots(tmp_path / "p", 2, 0), SPOT), SPOT, SPOT.augmentation)
    same, other = dataset[3, 1], dataset[4, 1]
    np.testing.assert_array_equal(dataset[3, 1][0], same[0])
    assert (same[0] != other[0]).any()


TWO_PROCESSES = """
import os, sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {root!r}]
import small_runs as t
run = t.fit(Path({folder!r}))
print("rank", os.environ["RANK"], "done")
"""


def test_two_processes_train_together(tmp_path):
    spots(tmp_path / "two" / "pictures", 48, 0)
    spots(tmp_path / "two" / "pictures", 16, 1)
    script = tmp_path / "two.py"
    tests = Path(__file__).parents[1]
    script.write_text(
        TWO_PROCESSES.format(tests=str(tests), root=str(tests.parent), folder=str(tmp_path / "two"))
    )
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [sys.executable, *launch, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = list(csv.DictReader((tmp_path / "two" / "run" / "log.csv").open()))
    assert float(rows[-1]["val_nme"]) < float(rows[0]["val_nme"])


def test_the_command_skips_and_counts_what_is_broken(tmp_path, fake_root, monkeypatch, capsys):
    root = fake_root(faces=6)
    torn = root / "imm_face_db" / "01-1m.jpg"
    torn.write_bytes(torn.read_bytes()[:-300])
    short = SPOT.replace(train=("imm-train",), validation="imm-val", epochs=1, batch_size=2)
    monkeypatch.setattr(commands, "get_recipe", lambda name: short)
    words = ["train", "report000-nose", "--data", str(root), "--runs", str(tmp_path / "runs")]
    assert main(words) == 2
    assert re.search(r"error: .*01-1m\.jpg", capsys.readouterr().err)
    assert main([*words, "--skip-broken"]) == 0
    assert "skipped 1 broken samples" in capsys.readouterr().out
    assert (tmp_path / "runs" / "spot" / "weights.pt").is_file()
    assert main([*words[:3], str(tmp_path), *words[4:]]) == 2
    assert "imm_face_db" in capsys.readouterr().err
