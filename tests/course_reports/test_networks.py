"""The reports' networks in the wild: what they train, what they start from, and what their heads can say."""

import dataclasses

import numpy as np
import pytest
import torch
import torchvision
from small_runs import SPOT, fit

import fkp.course_reports  # noqa: F401  registers its recipes
from fkp.errors import RunError
from fkp.export.onnx_export import export
from fkp.models import create, initialize
from fkp.models.heads import CoordinateHead, PCAHead
from fkp.runtime.sessions import ModelSession
from fkp.training.augment import Augmentation, augment
from fkp.training.recipes import RECIPES
from fkp.training.run import check_same_recipe

SIZE = (64, 64)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))


def shapes(count: int, deviations: tuple[float, ...]) -> torch.Tensor:
    """Faces of 5 points that differ along as many directions as there are deviations."""
    rng = np.random.default_rng(0)
    modes = np.linalg.qr(rng.normal(size=(10, len(deviations))))[0].T
    flat = 0.5 + (rng.normal(size=(count, len(deviations))) * deviations) @ modes
    return torch.from_numpy(flat.reshape(count, 5, 2))


def test_a_bias_around_the_middle_puts_first_predictions_there():
    torch.manual_seed(0)
    options = {**RECIPES["report002-face"].options, "hidden": (400,)}
    network = create("plain-cnn", 58, (120, 160), 1, **options)
    points = network(torch.zeros(1, 1, 120, 160)).points
    assert points.mean().item() == pytest.approx(0.5, abs=0.05)
    assert network.head[-1].bias.std().item() == pytest.approx(1 / 20, rel=0.3)
    without = create("plain-cnn", 58, (120, 160), 1, **{**options, "bias": None})
    assert abs(without(torch.zeros(1, 1, 120, 160)).points.mean().item()) < 0.1


def test_a_pca_head_speaks_in_the_shapes_it_was_fitted_to():
    head = PCAHead(3, 5, components=2)
    faces = shapes(200, (0.2, 0.05))
    head.fit(faces)
    torch.nn.init.zeros_(head.linear.weight)
    with torch.no_grad():
        head.linear.bias.zero_()
        mean = head(torch.zeros(1, 3)).points
        head.linear.bias.copy_(torch.tensor([1.0, 0.0]))
        along = head(torch.zeros(1, 3)).points - mean
    torch.testing.assert_close(mean[0].double(), faces.mean(dim=0), atol=1e-6, rtol=0)
    assert along.norm().item() == pytest.approx(0.2, rel=0.15)  # one standard deviation of the first mode
    other = PCAHead(3, 5, components=2)
    other.load_state_dict(head.state_dict())  # the basis is part of the weights
    torch.testing.assert_close(other(torch.ones(1, 3)).points, head(torch.ones(1, 3)).points)


def test_a_pca_head_takes_fewer_shapes_than_components():
    head = PCAHead(3, 5, components=8)
    head.fit(shapes(4, (0.2, 0.05)))
    assert torch.isfinite(head(torch.ones(2, 3)).points).all()
    assert (head.modes[4:] == 0).all()


def test_coordinates_are_not_rounded_under_autocast():
    torch.manual_seed(0)
    head = CoordinateHead(8, 68, bias=0.5)
    features = torch.randn(4, 8).bfloat16().float()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = head(features.bfloat16()).points
    torch.testing.assert_close(rounded, head(features).points, atol=1e-6, rtol=0)
    assert rounded.dtype == torch.float32


def test_the_last_block_and_the_head_are_all_that_learns():
    network = create("resnet", 68, SIZE, 3, trained="last-block")
    network(torch.randn(2, 3, *SIZE)).points.sum().backward()
    learning = {name.split(".")[1] for name, p in network.named_parameters() if p.grad is not None}
    assert learning == {"layer4", "linear"}
    everything = create("resnet", 68, SIZE, 3)
    assert all(p.requires_grad for p in everything.parameters())
    with pytest.raises(ValueError, match="color"):
        create("resnet", 68, SIZE, 1)


def test_imagenet_weights_are_taken_where_there_are_any(monkeypatch):
    donor = torchvision.models.resnet18()
    enum = torchvision.models.ResNet18_Weights
    monkeypatch.setattr(enum, "get_state_dict", lambda self, *args, **kwargs: donor.state_dict())
    network = create("resnet", 68, SIZE, 3, pretrained=True)
    assert "ImageNet" in initialize(network, shapes(4, (0.1,)))
    torch.testing.assert_close(network.backbone.conv1.weight, donor.conv1.weight)

    def offline(self, *args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(enum, "get_state_dict", offline)
    alone = create("resnet", 68, SIZE, 3, pretrained=True)
    before = alone.backbone.conv1.weight.clone()
    assert initialize(alone, shapes(4, (0.1,))) == "from scratch"
    torch.testing.assert_close(alone.backbone.conv1.weight, before)
    assert initialize(torch.nn.Identity(), shapes(4, (0.1,))) == "from scratch"


def test_the_unet_gives_each_pixel_a_share_and_points_within_the_crop():
    network = create("pixel-unet", 3, (32, 48), 3, widths=(4, 8, 8)).eval()
    prediction = network(torch.randn(2, 3, 32, 48))
    assert prediction.log_maps.shape == (2, 3, 32, 48)
    assert prediction.log_maps.exp().sum(dim=(2, 3)).flatten().tolist() == pytest.approx([1] * 6, abs=1e-4)
    assert 0 < prediction.points.min() < prediction.points.max() < 1
    with pytest.raises(ValueError, match="multiples of 4"):
        create("pixel-unet", 3, (32, 46), 3, widths=(4, 8, 8))


def test_forgetting_the_mirror_order_swaps_left_and_right():
    picture = np.zeros((40, 40, 3), np.uint8)
    points, box = np.array([[10.0, 20], [30.0, 20]]), np.array([0.0, 0, 40, 40])

    def mirrored(**kwargs: bool) -> np.ndarray:
        always = Augmentation(mirror=1.0, **kwargs)
        rng = np.random.default_rng(0)
        return augment(rng, picture, points, box, (40, 40), 1.0, (1, 0), always)[1]

    right, wrong = mirrored(), mirrored(reorder=False)
    assert right[0, 0] < right[1, 0]
    assert wrong[0, 0] > wrong[1, 0]
    np.testing.assert_allclose(wrong[::-1], right)


SPOT_RESNET = SPOT.replace(
    network="resnet", options={"components": 2, "pretrained": True}, gray=False, epochs=1
)


def test_a_resnet_with_a_pca_head_trains_and_exports_with_its_basis(tmp_path, monkeypatch):
    enum = torchvision.models.ResNet18_Weights
    monkeypatch.setattr(
        enum, "get_state_dict", lambda self, *args, **kwargs: torchvision.models.resnet18().state_dict()
    )
    run = fit(tmp_path, SPOT_RESNET)
    weights = run.load_weights(SPOT_RESNET)
    assert (weights.model["network.head.modes"] != 0).any()
    assert "ImageNet" in weights.pretrained
    monkeypatch.setattr(enum, "get_state_dict", None)  # what was trained is exported without it
    path, difference = export(SPOT_RESNET, run, tmp_path / "models")
    assert difference < 1e-4
    assert ModelSession(path, threads=1).spec.pretrained == weights.pretrained


def test_fields_that_are_new_count_as_stored_with_their_defaults(tmp_path):
    stored = SPOT.to_dict()
    del stored["config"]["seed"], stored["augmentation"]["reorder"], stored["loss"]["beta"]
    check_same_recipe(stored, SPOT, tmp_path)
    for changed in (
        SPOT.replace(seed=3),
        SPOT.replace(augmentation=dataclasses.replace(SPOT.augmentation, reorder=False)),
        SPOT.replace(loss=dataclasses.replace(SPOT.loss, beta=0.1)),
    ):
        with pytest.raises(RunError, match="differs in"):
            check_same_recipe(stored, changed, tmp_path)


def test_what_is_replaced_in_a_variant_is_all_that_differs():
    def differences(a: str, b: str) -> set[str]:
        one, other = (vars_of(RECIPES[name]) | vars_of(RECIPES[name].config) for name in (a, b))
        return {name for name in one if one[name] != other[name]} - {"name", "summary", "source", "config"}

    def vars_of(part: object) -> dict[str, object]:
        return {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}

    assert differences("report001-nose", "report001-nose-l1") == {"loss"}
    assert differences("report002-nose", "report002-nose-4e-3") == {"learning_rate"}
    assert differences("report002-mirror", "report002-mirror-wrong") == {"augmentation"}
    assert differences("report002-resnet18", "report002-resnet18-imagenet") == {"normalization"}
    assert differences("report003-resnet18", "report003-resnet18-mirror") == {"augmentation"}
    assert differences("report004-rmsprop", "report004-adam") == {"optimizer"}
    assert differences("report004-rmsprop", "report004-l1") == {"loss"}
