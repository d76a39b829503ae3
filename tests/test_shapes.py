"""Mean shapes and principal components."""

import numpy as np
import pytest
from fake_data import cartoon

from fkp.schemes import IBUG68
from fkp.shapes import ShapeModel


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
