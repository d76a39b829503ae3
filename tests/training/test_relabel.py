"""What happens to labels before training, and what a network learns from labels with a shift to one side."""

import numpy as np
import pytest
import torch
from fake_data import make_face
from torch import nn

from fkp import geometry
from fkp.datasets.catalog import IBUG_LABEL_SHIFT
from fkp.datasets.conventions import typical_inter_ocular
from fkp.errors import RunError
from fkp.models import Prediction
from fkp.schemes import IBUG68
from fkp.training import relabel as r
from fkp.training.augment import Augmentation
from fkp.training.crops import CropDataset, Crops
from fkp.training.losses import Loss
from fkp.training.recipes import get_recipe

SIZE = (32, 32)
RECIPE = get_recipe("fkp68-teacher").replace(
    input_size=SIZE, margin=1.25, train=("ibug-train",),
    initial=None, label_shift=4.0, augmentation=Augmentation(mirror=0.5),
)  # fmt: skip


class Constant(nn.Module):
    """Predicts the same points (K, 2) in the unit frame to every crop: one that is its own mirror image."""

    def __init__(self, points):
        super().__init__()
        self.points = nn.Parameter(torch.as_tensor(points, dtype=torch.float32))

    def forward(self, crops):
        return Prediction(self.points.expand(len(crops), -1, -1))


@pytest.fixture
def crops(rng):
    faces = [make_face(rng) for _ in range(4)]
    points = np.stack([points for _, points in faces])
    return Crops(np.stack([image for image, _ in faces]), points, geometry.points_box(points))


def symmetric(points):
    """The mean of a face and its mirror image, in the unit frame."""
    return (points + (points * [-1, 1] + [1, 0])[list(IBUG68.mirror)]) / 2


def test_averages_of_symmetric_predictions_gain_the_shift(crops, rng):
    wanted = symmetric(rng.uniform(0.2, 0.8, (68, 2)))
    recipe = RECIPE.replace(label_shift=0.0)
    plain = r.mirror_averaged(Constant(wanted), recipe, crops)
    moved = r.mirror_averaged(Constant(wanted), RECIPE, crops) - plain
    np.testing.assert_allclose(moved[..., 0].T, 0.04 * typical_inter_ocular(crops.boxes) + np.zeros((68, 4)))
    np.testing.assert_allclose(moved[..., 1], 0, atol=1e-9)
    box = crops.boxes[0]
    matrix = geometry.crop_transform(box, SIZE, RECIPE.margin)
    back = geometry.to_unit(geometry.transform_points(matrix, plain[0]), SIZE)
    np.testing.assert_allclose(back, wanted, atol=1e-6)


def test_labels_without_shift_are_moved_and_shifted_ones_stay(crops, monkeypatch):
    recipe = RECIPE.replace(label_shift=IBUG_LABEL_SHIFT)
    parts = {"ibug-train": 2, "merl-rav-train": 2}
    moved = r.relabel(recipe, crops, parts, None, None).points - crops.points
    np.testing.assert_allclose(moved[:2], 0, atol=1e-9)
    wanted = IBUG_LABEL_SHIFT / 100 * typical_inter_ocular(crops.boxes[2:])
    np.testing.assert_allclose(moved[2:, :, 0].T, wanted + np.zeros((68, 2)))


def test_faces_that_nobody_annotated_get_the_labelers_mean(crops, monkeypatch):
    recipe = RECIPE.replace(label_shift=0.0, pseudo_labelers=("a", "b"))
    predictions = {"a": crops.points[2:] + 1, "b": crops.points[2:] + 3}
    monkeypatch.setattr(r, "_predictions_of", lambda name, part, runs: predictions[name])
    moved = r.relabel(recipe, crops, {"ibug-train": 2, "helen-labelled": 2}, None, None).points - crops.points
    np.testing.assert_allclose(moved[:2], 0)
    np.testing.assert_allclose(moved[2:], 2)


def test_a_share_of_translated_labels_comes_from_the_labelers(crops, monkeypatch):
    recipe = RECIPE.replace(
        label_shift=0.0, translated=("merl-rav-train",), pseudo_labelers=("a",), pseudo_share=0.25
    )
    wanted = crops.points[2:] + 4
    monkeypatch.setattr(r, "_predictions_of", lambda name, part, runs: wanted)
    monkeypatch.setattr(r, "mirror_averaged", lambda model, recipe, part: part.points)
    parts = {"ibug-train": 2, "merl-rav-train": 2}
    moved = r.relabel(recipe, crops, parts, Constant(np.zeros((68, 2))), None).points - crops.points
    np.testing.assert_allclose(moved[:2], 0)
    np.testing.assert_allclose(moved[2:], 1)


def test_nothing_to_translate_to(crops):
    recipe = RECIPE.replace(translated=("merl-rav-train",))
    with pytest.raises(RunError, match="starts from scratch"):
        r.relabel(recipe, crops, {"merl-rav-train": 4}, None, None)


def test_the_loss_leaves_out_points_without_annotation():
    torch.manual_seed(0)
    maps = torch.randn(2, 68, 8, 8).flatten(2).log_softmax(-1).view(2, 68, 8, 8)
    prediction = Prediction(torch.rand(2, 68, 2), None, maps)
    target = torch.rand(2, 68, 2)
    for distance in ("jensen-shannon", "cross-entropy"):
        loss = Loss("smooth-l1", scale=32, beta=0.5, map_weight=0.3, map_distance=distance)
        half = target.clone()
        half[:, 34:] = torch.nan
        kept = Prediction(prediction.points[:, :34], None, maps[:, :34])
        assert loss(prediction, half).item() == pytest.approx(loss(kept, target[:, :34]).item(), rel=1e-5)


@pytest.mark.parametrize("heeded", [True, False])
def test_a_symmetric_network_learns_labels_with_a_shift_without_signed_error(crops, heeded):
    """Labels are to the right by 4 % of the inter-ocular distance in every picture, mirrored or not.

    Mirroring that heeds it leaves no signed error; plain mirroring teaches the middle and leaves all of it.
    """
    recipe = RECIPE if heeded else RECIPE.replace(label_shift=0.0)
    shift = 0.04 * typical_inter_ocular(crops.boxes)
    straight = crops.points.copy()
    straight[..., 0] += shift[:, None]
    dataset = CropDataset(Crops(crops.images, straight, crops.boxes), recipe, recipe.augmentation)
    plain = CropDataset(Crops(crops.images, straight, crops.boxes), recipe)
    # A network that cannot tell a face from its mirror image learns the mean at best.
    learned = np.mean([dataset[draw, draw % 4][1] for draw in range(2000)], axis=0)
    signed = np.mean([learned[:, 0] - plain[0, face][1][:, 0] for face in range(4)])
    unit = shift.mean() / (crops.boxes[:, 2:] - crops.boxes[:, :2]).max(axis=1).mean() / recipe.margin
    assert signed == pytest.approx(0 if heeded else -unit, abs=0.15 * unit)
