"""Mean shapes and principal components."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fake_data import cartoon

from fkp.datasets import Sample
from fkp.datasets.shapes import ShapeModel, unit_shapes
from fkp.geometry import points_box
from fkp.schemes import IBUG68


@pytest.fixture
def shapes(rng):
    """Faces that differ in two ways only, the first one of the larger variance."""
    ways = np.linalg.qr(rng.normal(size=(136, 2)))[0].T.reshape(2, 68, 2)
    weights = rng.normal(size=(300, 2)) * (0.3, 0.1)
    return cartoon(IBUG68) + np.einsum("nc,ckd->nkd", weights, ways)


def test_the_components_are_the_ways_in_which_the_shapes_differ(shapes):
    model = ShapeModel.fit(shapes, 5)
    assert model.shares[:2].sum() == pytest.approx(1)
    assert model.variances[:2] ** 0.5 == pytest.approx([0.3, 0.1], rel=0.15)
    flat = model.modes.reshape(5, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(5), atol=1e-9)


def test_two_components_give_back_shapes_that_differ_in_two_ways(shapes):
    two, one = ShapeModel.fit(shapes, 2), ShapeModel.fit(shapes, 1)
    np.testing.assert_allclose(two.shapes(two.weights(shapes)), shapes, atol=1e-9)
    assert np.abs(one.shapes(one.weights(shapes)) - shapes).max() > 0.05
    np.testing.assert_allclose(two.shapes(np.zeros((1, 2)))[0], shapes.mean(axis=0))


def test_a_mode_has_the_same_sign_whatever_the_order_of_the_faces(shapes):
    a, b = ShapeModel.fit(shapes, 2), ShapeModel.fit(shapes[::-1], 2)
    np.testing.assert_allclose(a.modes, b.modes, atol=1e-9)


def test_unit_shapes_do_not_know_where_a_face_was_or_how_large():
    points = cartoon(IBUG68)
    samples = [
        Sample(Path("a.jpg"), "a", points_box(p), p, "ibug68", None, "a")
        for p in (points * 90 + 7, points * 300 - 20)
    ]
    small, large = unit_shapes(samples, margin=1.5)
    np.testing.assert_allclose(small, large, atol=1e-9)
    span = points_box(small)
    assert max(span[2:] - span[:2]) == pytest.approx(1 / 1.5)
    with pytest.raises(ValueError, match="points"):
        unit_shapes([dataclasses.replace(samples[0], points=None)])
