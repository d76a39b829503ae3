"""The head that says which points can be seen."""

import dataclasses

import numpy as np
import pytest
import torch
from fake_data import make_face, write_image

from fkp.datasets import Sample
from fkp.errors import RunError
from fkp.export.onnx_export import export
from fkp.export.recover import recover
from fkp.geometry import annotated_box
from fkp.models.visibility import VisibilityHead
from fkp.runtime.sessions import ModelSession
from fkp.training import visibility as v
from fkp.training.recipes import get_recipe
from fkp.training.run import Run, Weights

SMALL = get_recipe("fkp68-base").replace(
    name="small", initial="start", input_size=(32, 32), epochs=2,
    options={"widths": (8, 8, 8, 8), "blocks": (0, 1, 1, 1), "top": 8, "finest": 1, "visibility": True},
)  # fmt: skip


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def faces(rng, tmp_path):
    """Eight faces: every second one is darker and hides the right half of its jaw."""
    samples = []
    for number in range(8):
        image, points = make_face(rng)
        state = np.zeros(68, np.int8)
        if number % 2:
            points[:8], state[:8], image = np.nan, 2, image // 3
        path = tmp_path / f"{number}.png"
        write_image(path, image)
        samples.append(
            Sample(path, path.name, annotated_box(points), points, "ibug68", None, path.name, state, "right")
        )
    return samples


@pytest.fixture
def runs(tmp_path):
    """A folder with the run of an untrained landmark network."""
    torch.manual_seed(0)
    plain = SMALL.replace(name="start", initial=None, options={**SMALL.options, "visibility": False})
    run = Run(tmp_path / "runs" / "start")
    run.folder.mkdir(parents=True)
    examples = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)
    run.save_weights(
        Weights(
            recipe=plain.to_dict(), model=plain.build().state_dict(), training_data={"ibug-train": 5},
            validation=3.0, epoch=4, examples=examples,
        )
    )  # fmt: skip
    return tmp_path / "runs"


def test_only_the_head_is_trained_and_the_file_says_what_is_visible(faces, runs, tmp_path):
    before = Run(runs / "start").read_weights("")
    run = v.train_visibility(SMALL, {"merl-rav-train": faces}, faces, runs)
    after = run.load_weights(SMALL)
    assert after.training_data == {"ibug-train": 5, "merl-rav-train": 8}
    assert (after.epoch, after.validation) == (4, 3.0)
    for name, value in before.model.items():
        torch.testing.assert_close(after.model[name], value)
    path, _ = export(SMALL.replace(weight_dtype="float32"), run, tmp_path / "models")
    outputs = ModelSession(path).run(before.examples.numpy())
    assert outputs.visible.shape == (3, 68)
    assert ((outputs.visible >= 0) & (outputs.visible <= 1)).all()


def test_it_learns_what_the_head_hides(faces, runs, capsys):
    v.train_visibility(SMALL.replace(epochs=40), {"merl-rav-train": faces}, faces, runs)
    figures = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    assert float(figures["auc_hidden"]) > 0.9
    assert float(figures["calibration_error"]) < 0.1


def test_a_network_of_another_kind_is_refused(faces, runs):
    other = SMALL.replace(options={**SMALL.options, "finest": 0})
    with pytest.raises(RunError, match="another network"):
        v.train_visibility(other, {"merl-rav-train": faces}, faces, runs)


def test_states_are_needed(faces, runs):
    unknown = [dataclasses.replace(face, state=None) for face in faces]
    with pytest.raises(RunError, match="does not say which of its points can be seen"):
        v.train_visibility(SMALL, {"merl-rav-train": unknown}, faces, runs)


def test_projecting_before_the_mean_is_the_same(runs):
    torch.manual_seed(1)
    model = SMALL.build().eval()
    head = model.network.visibility
    assert isinstance(head, VisibilityHead)
    crops = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():
        reading = model.network.read(model.preprocess(crops))
        late = head.logits(head.project(reading.at_points(reading.cells)), reading.whole)
        torch.testing.assert_close(head(reading), late, rtol=1e-4, atol=1e-4)
        head.calibrate(2.0, 0.5)
        torch.testing.assert_close(head(reading), 2 * late + 0.5, rtol=1e-4, atol=1e-4)


def test_a_head_is_not_recovered(faces, runs, tmp_path):
    v.train_visibility(SMALL, {"merl-rav-train": faces}, faces, runs)
    path, _ = export(SMALL, Run(runs / "small"), tmp_path / "models")
    with pytest.raises(RunError, match="recover start, the network below"):
        recover(SMALL, path, [], Run(tmp_path / "again"))
