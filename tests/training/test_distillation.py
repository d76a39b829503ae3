"""Networks that learn from trained ones: from their weights, and from their outputs."""

import dataclasses

import numpy as np
import pytest
import torch
from small_runs import MAPS, SPOT, fit, prepared, spots, trainer

from fkp.errors import UsageError
from fkp.models import Prediction
from fkp.training import distillation, landmark_trainer
from fkp.training.distillation import Teacher


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))


def test_a_smaller_network_starts_from_the_layers_that_it_shares(tmp_path):
    first = fit(tmp_path, MAPS, folder="spot").load_weights(MAPS).model
    options = MAPS.options | {"blocks": (0, 1, 1, 1)}
    smaller = MAPS.replace(name="smaller", initial="spot", options=options)
    started = prepared(tmp_path, smaller, folder="smaller").exported.state_dict()
    assert len(started) < len(first)
    assert all(torch.equal(value, first[name]) for name, value in started.items())


def test_a_teacher_teaches_what_it_knows(tmp_path, monkeypatch):
    run = fit(tmp_path, folder="spot")
    monkeypatch.setattr(distillation, "get_recipe", lambda name: SPOT)
    pupil = SPOT.replace(name="pupil", teacher="spot")
    monkeypatch.setattr(landmark_trainer, "_TEACHER_SHARE", 1.0)
    samples = spots(tmp_path / "pictures", 48, 0)  # with points that are nowhere near the spots
    wrong = [dataclasses.replace(sample, points=np.array([[70.0, 70.0]])) for sample in samples]
    learning = trainer(tmp_path, pupil, folder="pupil")
    learning.fit({"spots": wrong}, samples[:16])
    assert min(row["val_nme"] for row in learning.history) < 2 * run.load_weights(SPOT).validation
    with pytest.raises(UsageError, match="spot cannot teach pupil"):
        prepared(tmp_path, pupil.replace(margin=2.0), folder="lost")


class Lopsided(torch.nn.Module):
    """Two points and their maps, which follow the brightness of the left and of the right half."""

    def forward(self, crops):
        left, right = (half.float().mean(dim=(1, 2, 3)) / 255 for half in crops.chunk(2, dim=2))
        points = torch.stack([left, left / 2, right / 3, right], dim=1).view(-1, 2, 2)
        return Prediction(points, None, (points[..., None] * torch.arange(6.0).view(2, 3)).log_softmax(-1))


def test_a_teacher_predicts_for_a_mirrored_crop_as_for_the_crop_itself():
    teacher = Teacher(Lopsided(), mirror_order=(1, 0))
    crops = torch.randint(0, 256, (3, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    plain, mirrored = teacher(crops), teacher(crops.flip(2))
    assert not torch.allclose(plain.points, Lopsided()(crops).points)
    back = mirrored.points[:, [1, 0]]
    torch.testing.assert_close(plain.points[..., 0], 1 - back[..., 0])
    torch.testing.assert_close(plain.points[..., 1], back[..., 1])
    torch.testing.assert_close(plain.log_maps, mirrored.log_maps[:, [1, 0]].flip(-1))
    torch.testing.assert_close(plain.log_maps.exp().sum(-1), torch.ones(3, 2, 2))
