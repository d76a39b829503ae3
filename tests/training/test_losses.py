"""Losses against numbers worked out by hand."""

import math

import pytest
import torch

from fkp.models import Prediction
from fkp.training.losses import Loss

TARGET = torch.tensor([[[0.5, 0.5], [0.2, 0.4]]])
PREDICTION = Prediction(TARGET + torch.tensor([0.01, -0.03]))


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (Loss("mse"), (0.01**2 + 0.03**2) / 2),
        (Loss("mse", scale=100), (1**2 + 3**2) / 2),
        (Loss("l1", scale=100), 2.0),
        # 1 is inside of beta = 2: 1 / (2 * 2); 3 is outside: 3 - 2 / 2
        (Loss("smooth-l1", scale=100, beta=2.0), (0.25 + 2.0) / 2),
    ],
)
def test_coordinate_losses(loss, value):
    assert loss(PREDICTION, TARGET).item() == pytest.approx(value, rel=1e-4)


def gaussian_maps(target, size, sigma=1.0):
    cells = torch.arange(size) + 0.5
    x = -((cells - target[..., :1] * size) ** 2) / (2 * sigma**2)
    y = -((cells - target[..., 1:] * size) ** 2) / (2 * sigma**2)
    return (y[..., :, None] + x[..., None, :]).flatten(2).log_softmax(-1).unflatten(2, (size, size))


def of_maps(maps, target, distance="jensen-shannon"):
    """The maps' part of a loss."""
    loss = Loss("mse", map_weight=1.0, map_distance=distance)
    return loss(Prediction(target, None, maps), target)


def test_the_divergence_is_zero_at_its_gaussian_and_bounded_by_log_2():
    maps = gaussian_maps(TARGET, 16)
    assert of_maps(maps, TARGET).item() == pytest.approx(0, abs=1e-6)
    far = of_maps(maps, 1 - TARGET + torch.tensor([0.0, 0.4])).item()
    assert 0.3 < far <= math.log(2) + 1e-6
    near = of_maps(maps, TARGET + 0.02).item()
    assert 0 < near < far


def test_the_cross_entropy_is_least_at_its_gaussian_and_is_its_entropy_there():
    maps = gaussian_maps(TARGET, 64)
    least = of_maps(maps, TARGET, "cross-entropy").item()
    entropy = 1 + math.log(2 * math.pi)  # of a Gaussian of one cell in the plane
    assert least == pytest.approx(entropy, rel=1e-3)
    # Moving by d cells costs d^2 / 2: here (0.64^2 + 0.64^2) / 2.
    aside = of_maps(maps, TARGET + 0.01, "cross-entropy").item()
    assert aside - least == pytest.approx(0.64**2, rel=1e-2)


@pytest.mark.parametrize("distance", ["jensen-shannon", "cross-entropy"])
def test_the_map_term_stays_finite_for_points_outside_and_sure_maps(distance):
    logits = torch.zeros(1, 2, 16, 16)
    logits[..., 3, 3] = 1000.0
    maps = logits.flatten(2).log_softmax(-1).unflatten(2, (16, 16)).requires_grad_()
    value = of_maps(maps, torch.tensor([[[-0.4, 1.7], [0.2, 0.2]]]), distance)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(maps.grad).all()


def test_the_map_term_is_weighted_and_needs_maps():
    with_maps = Prediction(TARGET, None, gaussian_maps(1 - TARGET, 16))
    assert Loss("mse", map_weight=2.0)(with_maps, TARGET).item() == pytest.approx(
        2 * of_maps(with_maps.log_maps, TARGET).item()
    )
    assert Loss("mse", map_weight=2.0)(Prediction(TARGET), TARGET).item() == 0


@pytest.mark.parametrize("distance", ["jensen-shannon", "cross-entropy"])
def test_the_distance_from_a_teacher_is_that_of_its_points_and_its_maps(distance):
    maps = gaussian_maps(TARGET, 16)
    teacher = Prediction(TARGET, None, maps)
    loss = Loss("mse", scale=100, map_weight=2.0, map_distance=distance)
    aside = Prediction(PREDICTION.points, None, gaussian_maps(PREDICTION.points, 16))
    # A Gaussian at the teacher's points is what it shows, so it teaches what the true points would.
    assert loss.distance(aside, teacher).item() == pytest.approx(loss(aside, TARGET).item(), rel=1e-4)
    assert loss.distance(PREDICTION, teacher).item() == pytest.approx((1 + 9) / 2, rel=1e-4)
