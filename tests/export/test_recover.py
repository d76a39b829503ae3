"""An exported file becomes a run again that predicts as the file does and can be trained on."""

import dataclasses

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from small_runs import MAPS, SPOT, fit, spots

from fkp.errors import RunError
from fkp.export.onnx_export import export
from fkp.export.quantize import read_description
from fkp.export.recover import recover
from fkp.spec import METADATA_KEY, ModelSpec, Validation
from fkp.training import landmark_trainer
from fkp.training.crops import CropDataset, load_crops
from fkp.training.run import Run


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def exported(tmp_path):
    run = fit(tmp_path, MAPS, folder="first")
    path, _ = export(MAPS, run, tmp_path / "models")
    dataset = CropDataset(load_crops(spots(tmp_path / "pictures", 48, 0), MAPS), MAPS, MAPS.augmentation)
    return run, path, [dataset[i, i][0] for i in range(32)]


def test_the_recovered_run_predicts_as_the_file_and_is_trained_on(tmp_path, exported):
    first, path, crops = exported
    run = Run(tmp_path / "spot")
    assert recover(MAPS, path, crops, run) < 1e-4
    weights = run.load_weights(MAPS)
    assert weights.epoch == first.load_weights(MAPS).epoch
    assert weights.validation == pytest.approx(first.load_weights(MAPS).validation, abs=1e-3)
    again, difference = export(MAPS, run, tmp_path / "again")
    assert again.exists()
    assert difference < 1e-4

    # Batches of the training data are normalized much as the file normalizes them.
    model = MAPS.build()
    model.load_state_dict(weights.model)
    crops = torch.from_numpy(np.stack(crops))
    with torch.no_grad():
        still, moving = model.eval()(crops).points, model.train()(crops).points
    assert (still - moving).abs().max() < 0.02

    second = MAPS.replace(name="spot-on", initial="spot", epochs=1)
    assert fit(tmp_path, second, folder="spot-on").load_weights(second).pretrained == "spot"


def unseen():
    """Crops that are not to be made."""
    raise AssertionError
    yield


def described(path, **changes):
    """Another file of the same network, which says something else of itself."""
    proto = onnx.load(path)
    spec = dataclasses.replace(ModelSpec.from_json(read_description(path)), **changes)
    helper.set_model_props(proto, {METADATA_KEY: spec.to_json()})
    other = path.with_name("other.onnx")
    onnx.save(proto, other)
    return other


def test_what_cannot_be_recovered_is_said_before_a_picture_is_decoded(tmp_path, exported):
    first, path, _ = exported
    run = Run(tmp_path / "spot")
    with pytest.raises(RunError, match=r"nowhere\.onnx is not there"):
        recover(MAPS, tmp_path / "nowhere.onnx", unseen(), run)
    with pytest.raises(RunError, match=r"weights\.pt is there already"):
        recover(MAPS, path, unseen(), first)
    with pytest.raises(RunError, match=r"in integers and cannot be recovered: recover spot\.onnx"):
        recover(MAPS, described(path, name="spot-int8"), unseen(), run)
    for validation in (None, Validation("others", "NME %, box diagonal", 3.0)):
        with pytest.raises(RunError, match="does not say for how many epochs"):
            recover(MAPS, described(path, validation=validation), unseen(), run)
    assert not run.folder.exists()


def test_a_file_of_another_network_is_refused(tmp_path, exported):
    _, path, crops = exported
    wider = MAPS.replace(options={**MAPS.options, "top": 16})
    with pytest.raises(RunError, match="it is of another network"):
        recover(wider, path, crops, Run(tmp_path / "wider"))
    assert not (tmp_path / "wider").exists()


def test_plain_networks_are_recovered_too(tmp_path):
    run = fit(tmp_path)
    path, _ = export(SPOT, run, tmp_path / "models")
    dataset = landmark_trainer.CropDataset(load_crops(spots(tmp_path / "pictures", 8, 0), SPOT), SPOT)
    crops = [dataset[0, i][0] for i in range(8)]
    assert recover(SPOT, path, crops, Run(tmp_path / "back")) < 1e-4
