"""Against plain Python, which shares nothing with the vectorised code."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fkp import metrics as m
from fkp.schemes import IBUG68

faces = arrays(np.float64, (3, 68, 2), elements=st.floats(-500, 500, width=32))


@pytest.fixture
def truth(rng):
    return rng.uniform(0, 200, (5, 68, 2))


@given(faces, faces)
def test_errors_against_plain_python(predicted, truth):
    mae, distance = m.point_mae(predicted, truth), m.point_distance(predicted, truth)
    for n in range(3):
        for k in range(68):
            (px, py), (tx, ty) = predicted[n][k].tolist(), truth[n][k].tolist()
            assert mae[n, k] == pytest.approx((abs(px - tx) + abs(py - ty)) / 2)
            assert distance[n, k] == pytest.approx(math.dist((px, py), (tx, ty)))


def test_nme_against_plain_python(rng, truth):
    predicted = truth + rng.normal(0, 3, truth.shape)
    got = m.nme(m.point_distance(predicted, truth), m.inter_ocular(truth, IBUG68.outer_eye_corners))
    for n in range(len(truth)):
        total = sum(math.dist(predicted[n][k], truth[n][k]) for k in range(68)) / 68
        assert got[n] == pytest.approx(100 * total / math.dist(truth[n][36], truth[n][45]))


def test_a_perfect_prediction_is_zero(truth):
    face_nme = m.nme(m.point_distance(truth, truth), np.ones(5))
    assert not face_nme.any()
    assert m.failure_rate(face_nme) == 0
    assert m.auc(face_nme) == 100
    assert m.ced(face_nme, [0, 8]).tolist() == [1, 1]


def test_a_constant_shift_is_the_shift(truth):
    predicted = truth + np.array([3, -4])
    mae = m.point_mae(predicted, truth)
    np.testing.assert_allclose(mae, 3.5)
    np.testing.assert_allclose(m.point_distance(predicted, truth), 5)
    assert m.region_means(mae, IBUG68.regions) == pytest.approx(dict.fromkeys(IBUG68.regions, 3.5))


def test_faces_that_were_not_found_are_failures(truth):
    predicted = truth.copy()
    predicted[1] = np.nan
    errors = m.point_distance(predicted, truth)
    assert np.isinf(errors[1]).all()
    face_nme = m.nme(errors, np.full(5, 10.0))
    assert m.failure_rate(face_nme) == pytest.approx(20)
    assert m.auc(face_nme) == pytest.approx(80)
    assert m.ced(face_nme, [0, 1e9]).tolist() == [0.8, 0.8]
    assert m.region_means(errors, IBUG68.regions) == dict.fromkeys(IBUG68.regions, 0.0)


def test_nothing_found_at_all(truth):
    errors = m.point_mae(np.full_like(truth, np.nan), truth)
    assert all(math.isnan(mean) for mean in m.region_means(errors, IBUG68.regions).values())
    assert m.auc(m.nme(errors, np.ones(5))) == 0


def test_summaries_by_hand():
    face_nme = [2.0, 4.0, 8.0, 10.0]
    assert m.failure_rate(face_nme) == 25
    assert m.ced(face_nme, [1, 2, 5, 8, 10]).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert m.auc(face_nme) == pytest.approx(100 * (6 / 8 + 4 / 8) / 4)


@given(arrays(np.float64, 20, elements=st.floats(0, 20)))
def test_auc_is_the_area_under_ced(face_nme):
    steps = np.linspace(0, 8, 20001)
    area = np.trapezoid(m.ced(face_nme, steps), steps) / 8 * 100
    assert m.auc(face_nme) == pytest.approx(area, abs=0.05)


def test_wrong_input_is_refused(truth):
    with pytest.raises(ValueError, match=r"\(N, K, 2\)"):
        m.point_mae(truth[:, :5], truth)
    with pytest.raises(ValueError, match=r"\(N, K, 2\)"):
        m.point_mae(truth[0], truth[0])
    with pytest.raises(ValueError, match="NaN"):
        m.point_mae(truth, np.where(truth > 100, np.nan, truth))
    with pytest.raises(ValueError, match="above zero"):
        m.nme(np.ones((2, 68)), [1, 0])
