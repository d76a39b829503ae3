"""Augmentation: whatever the warp, the points stay on what they mark."""

import numpy as np
import pytest

from fkp import geometry
from fkp.schemes import IBUG68
from fkp.training.augment import NO_AUGMENTATION, Augmentation, augment

WARPS = Augmentation(rotation=18, scale=0.1, shift=0.05, perspective=0.06)
PIXELS = Augmentation(color=1.0, gray=0.3, blur=0.5, noise=0.5, occlusion=0.5)
SIZE, MARGIN = (96, 96), 2.2


def spotted_picture(rng):
    """A dark picture with a bright disc at each of 5 points, in the five colors 0..4."""
    points = np.array([[70, 72.5], [131, 70], [100, 101.25], [77, 130], [128, 131]]) + rng.uniform(
        -4, 4, (5, 2)
    )
    rows, columns = np.mgrid[:200, :200]
    picture = np.zeros((200, 200, 3), np.uint8)
    for i, (x, y) in enumerate(points):
        inside = (columns - x) ** 2 + (rows - y) ** 2 < 25
        picture[inside] = (40 * (i + 1), 255 - 40 * i, 128)
    return picture, points


def color_at(crop, point):
    x, y = np.round(point).astype(int)
    return crop[y, x]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("mirrored", [0.0, 1.0])
def test_points_stay_on_their_spots(seed, mirrored):
    rng = np.random.default_rng(seed)
    picture, points = spotted_picture(rng)
    order = (1, 0, 2, 4, 3)
    strengths = Augmentation(**{f: getattr(WARPS, f) for f in WARPS.__slots__} | {"mirror": mirrored})
    crop, moved = augment(rng, picture, points, geometry.points_box(points), SIZE, MARGIN, order, strengths)
    assert crop.shape == (*SIZE, 3)
    for k, point in enumerate(moved):
        spot = order[k] if mirrored else k
        wanted = np.array([40 * (spot + 1), 255 - 40 * spot, 128])
        assert np.abs(color_at(crop, point).astype(int) - wanted).max() < 25


def test_without_strengths_it_is_the_runtimes_crop(rng):
    picture, points = spotted_picture(rng)
    box = geometry.points_box(points)
    crop, moved = augment(rng, picture, points, box, SIZE, MARGIN, (0, 1, 2, 3, 4), NO_AUGMENTATION)
    matrix = geometry.crop_transform(box, SIZE, MARGIN)
    np.testing.assert_array_equal(crop, geometry.warp(picture, matrix, SIZE))
    np.testing.assert_allclose(moved, geometry.transform_points(matrix, points))


def test_changing_pixels_moves_no_points_and_is_repeatable(rng):
    picture, points = spotted_picture(rng)
    box = geometry.points_box(points)
    results = [
        augment(np.random.default_rng(5), picture, points, box, SIZE, MARGIN, range(5), PIXELS)
        for _ in range(2)
    ]
    plain = augment(rng, picture, points, box, SIZE, MARGIN, range(5), NO_AUGMENTATION)
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], plain[1])
    assert (results[0][0] != plain[0]).any()


def test_forgetting_the_mirror_order_would_be_seen(rng):
    """The report's failure: mirrored without re-ordering, left and right average out."""
    mean = np.stack([np.arange(68.0), np.arange(68.0) % 7], axis=1)
    right = geometry.mirror_points(mean, 68, IBUG68.mirror)
    wrong = geometry.mirror_points(mean, 68, range(68))
    assert np.abs(geometry.mirror_points(right, 68, IBUG68.mirror) - mean).max() < 1e-9
    assert np.abs(right - wrong).max() > 1
