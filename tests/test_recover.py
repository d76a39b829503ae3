"""An exported file becomes a run again that answers as the file does and can be trained on."""

import dataclasses

import numpy as np
import pytest
import torch
from test_quantise import MAPS
from test_training import SPOT, spots, trainer

from fkp.training import loop
from fkp.training.crops import CropDataset, load_crops
from fkp.training.export import export
from fkp.training.recover import recover
from fkp.training.run import Run, RunError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def exported(tmp_path):
    run = trainer(tmp_path, MAPS, folder="first").train()
    path, _ = export(MAPS, run, tmp_path / "models")
    dataset = CropDataset(load_crops(spots(tmp_path / "pictures", 48, 0), MAPS), MAPS, MAPS.augmentation)
    crops = torch.from_numpy(np.stack([dataset[i, i][0] for i in range(32)]))
    return run, path, crops


def test_the_recovered_run_answers_as_the_file_and_is_trained_on(tmp_path, exported):
    first, path, crops = exported
    run = Run(tmp_path / "spot")
    assert recover(MAPS, path, crops, run) < 1e-4
    weights = run.load_weights(MAPS)
    assert weights.epoch == first.load_weights(MAPS).epoch
    assert weights.validation == pytest.approx(first.load_weights(MAPS).validation, abs=1e-3)
    again, difference = export(MAPS, run, tmp_path / "again")
    assert again.exists()
    assert difference < 1e-4

    # Batches of the training data are normalised much as the file normalises them.
    model = MAPS.build()
    model.load_state_dict(weights.model)
    with torch.no_grad():
        still, moving = model.eval()(crops).points, model.train()(crops).points
    assert (still - moving).abs().max() < 0.02

    second = dataclasses.replace(MAPS, name="spot-on", initial="spot", epochs=1)
    assert trainer(tmp_path, second, folder="spot-on").train().load_weights(second).pretrained == "spot"


def test_a_file_of_another_network_is_refused(tmp_path, exported):
    _, path, crops = exported
    wider = dataclasses.replace(MAPS, options={**MAPS.options, "top": 16})
    with pytest.raises(RunError, match="it is of another network"):
        recover(wider, path, crops, Run(tmp_path / "wider"))
    with pytest.raises(RunError, match=r"nowhere\.onnx is not there"):
        recover(MAPS, tmp_path / "nowhere.onnx", crops, Run(tmp_path / "wider"))
    assert not (tmp_path / "wider").exists()


def test_plain_networks_are_recovered_too(tmp_path):
    run = trainer(tmp_path).train()
    path, _ = export(SPOT, run, tmp_path / "models")
    dataset = loop.CropDataset(load_crops(spots(tmp_path / "pictures", 8, 0), SPOT), SPOT)
    crops = torch.from_numpy(np.stack([dataset[0, i][0] for i in range(8)]))
    assert recover(SPOT, path, crops, Run(tmp_path / "back")) < 1e-4
