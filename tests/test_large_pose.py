"""Errors and visibility on faces at any head turn."""

import numpy as np
import pytest

from fkp.large_pose import calibration_error, partial_nme, roc_auc, visibility_figures

rng = np.random.default_rng(0)


def test_the_error_is_the_mean_over_annotated_points():
    truth = rng.uniform(0, 100, (3, 5, 2))
    predicted = truth + np.array([3, 4])
    truth[0, 2:] = np.nan
    predicted[1, 0] = truth[1, 0]
    np.testing.assert_allclose(partial_nme(predicted, truth, [50, 50, 100]), [10, 8, 5])


def test_a_face_that_is_not_found_counts_as_infinite():
    truth = rng.uniform(0, 100, (2, 5, 2))
    predicted = truth.copy()
    predicted[1] = np.nan
    assert partial_nme(predicted, truth, [50, 50]).tolist() == [0, np.inf]


def test_what_cannot_be_measured_is_refused():
    truth = np.full((1, 5, 2), np.nan)
    with pytest.raises(ValueError, match="no annotated point"):
        partial_nme(np.zeros((1, 5, 2)), truth, [1])
    with pytest.raises(ValueError, match="above zero"):
        partial_nme(np.zeros((1, 5, 2)), np.zeros((1, 5, 2)), [0])


def test_roc_auc_is_the_share_of_pairs_in_the_right_order():
    positive, negative = rng.integers(0, 6, 40), rng.integers(-2, 4, 30)
    pairs = positive[:, None] - negative[None]
    assert roc_auc(positive, negative) == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)
    assert roc_auc([2, 3], [0, 1]) == 1
    assert np.isnan(roc_auc([], [1]))


def test_calibration():
    probability = rng.uniform(0, 1, 200_000)
    happened = rng.uniform(0, 1, probability.shape) < probability
    assert calibration_error(probability, happened) < 0.01
    assert calibration_error(probability, ~happened) > 0.4
    assert calibration_error([1.0, 1.0], [True, False]) == 0.5


def test_states_are_told_apart():
    state = np.array([[0, 0, 1, 2]])
    figures = visibility_figures([[0.9, 0.6, 0.7, 0.1]], state)
    assert figures["auc_hidden"] == 1
    assert figures["auc_covered"] == 0.5
