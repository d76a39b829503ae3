"""Networks: the contract's shapes and frames, the reports' own sizes, soft-argmax by hand."""

import pytest
import torch

import fkp.course_reports  # noqa: F401  registers its recipes
from fkp.errors import UsageError
from fkp.models import Preprocess, create, network_names, register
from fkp.models.heatmap import soft_argmax
from fkp.schemes import get_scheme
from fkp.training.recipes import RECIPES, get_recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_builds_a_model_that_keeps_the_contract(name):
    recipe = RECIPES[name]
    points = get_scheme(recipe.scheme).num_points
    crops = torch.randint(0, 256, (2, *recipe.input_size, 3), dtype=torch.uint8)
    prediction = recipe.build().eval()(crops)
    assert prediction.points.shape == (2, points, 2)
    assert prediction.points.dtype == torch.float32
    if prediction.scores is not None:
        assert prediction.scores.shape == (2, points)
        assert prediction.scores.min() >= 0
        assert prediction.scores.max() <= 1


@pytest.mark.parametrize(
    ("name", "flat"),
    [
        ("report000-nose", 768),
        ("report000-face", 5632),
        ("report002-nose", 64 * 5 * 4),
        ("report002-face", 64 * 20 * 15),
        ("report004-ytf", 8192),
    ],
)
def test_the_reports_networks_have_the_flat_sizes_that_the_reports_print(name, flat):
    assert get_recipe(name).build().network.flat == flat


def test_soft_argmax_finds_a_peak_and_is_sure_of_it():
    logits = torch.full((1, 2, 8, 16), -50.0)
    logits[0, 0, 2, 5] = 50.0  # row 2 of 8, column 5 of 16
    logits[0, 1, 1, 0] = logits[0, 1, 6, 15] = 50.0  # two peaks: the mean is in between, and unsure
    points, scores, log_maps, _ = soft_argmax(logits)
    assert points[0, 0].tolist() == pytest.approx([5.5 / 16, 2.5 / 8])
    assert points[0, 1].tolist() == pytest.approx([0.5, 0.5])
    assert scores[0].tolist() == pytest.approx([1.0, 0.0], abs=0.01)
    assert log_maps.exp().sum(dim=(2, 3))[0].tolist() == pytest.approx([1, 1])


def test_soft_argmax_of_split_cells_is_that_of_the_shuffled_map():
    logits = torch.randn(2, 3 * 4, 5, 6, generator=torch.Generator().manual_seed(0)) * 3
    split = soft_argmax(logits, split=2)
    whole = soft_argmax(torch.nn.functional.pixel_shuffle(logits, 2))
    for a, b in zip(split, whole, strict=True):
        torch.testing.assert_close(a, b)


def test_scores_fall_with_the_spread_of_a_map():
    cells = torch.arange(40) + 0.5
    sizes = torch.tensor([0.7, 1.0, 2.0, 4.0])
    row = -((cells - 20) ** 2) / (2 * sizes[:, None] ** 2)
    scores = soft_argmax(row[None, :, :, None] + row[None, :, None, :]).scores[0]
    assert (scores.diff() < 0).all()
    assert scores[1].item() == pytest.approx(0.78, abs=0.01)


def test_a_pyramid_may_begin_without_blocks():
    options = {"widths": (8, 16, 24, 32), "top": 16, "finest": 1, "blocks": (0, 1, 1, 1)}
    network = create("pyramid-softargmax", 68, (64, 96), 3, **options).eval()
    assert len(network.stages[0]) == 0
    assert network(torch.rand(2, 3, 64, 96)).log_maps.shape == (2, 68, 16, 24)


def test_preprocessing_is_gray_and_normalized_as_it_says():
    image = torch.tensor([[[[255, 0, 0], [0, 0, 255]]]], dtype=torch.uint8)  # a red and a blue pixel
    assert Preprocess(True, "unit")(image).flatten().tolist() == pytest.approx([0.299, 0.114])
    assert Preprocess(False, "min-max")(image)[0, :, 0, 0].tolist() == pytest.approx([0.5, -0.5, -0.5])
    imagenet = Preprocess(False, "imagenet")(image)[0, :, 0, 1].tolist()
    assert imagenet == pytest.approx([-0.485 / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225])
    with pytest.raises(UsageError, match="known: min-max, unit, imagenet"):
        Preprocess(False, "z-score")


def test_unknown_networks_recipes_and_double_names_are_refused():
    with pytest.raises(UsageError, match="plain-cnn"):
        create("no-such-network", 1, (32, 32), 1)
    with pytest.raises(UsageError, match="fkp68-base"):
        get_recipe("no-such-recipe")
    with pytest.raises(ValueError, match="two networks"):
        register(network_names()[0])(torch.nn.Identity)


def test_an_input_that_is_too_small_is_refused():
    options = get_recipe("report000-nose").options
    with pytest.raises(ValueError, match="too small"):
        create("plain-cnn", 1, (16, 16), 1, **options)
    with pytest.raises(ValueError, match="multiples of 32"):
        create("pyramid-softargmax", 68, (100, 128), 3)
