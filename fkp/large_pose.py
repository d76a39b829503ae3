"""Errors and visibility on faces at any head turn, of whose points some are not annotated: pure functions.

States are those of `fkp.datasets.sample`: 0 visible, 1 covered by something else, 2 hidden by the head.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

# Names of the pose classes of MERL-RAV and CFP -> the group in which errors are reported.
POSE_GROUPS: Mapping[str, str] = {
    "frontal": "frontal",
    "lefthalf": "half",
    "righthalf": "half",
    "left": "profile",
    "right": "profile",
}
_BINS = 10


def partial_nme(predicted: ArrayLike, truth: ArrayLike, size: ArrayLike) -> Array:
    """Mean distance of the annotated points of each face, in percent of its size: (N,).

    Args:
        predicted: (N, K, 2); NaN where a face was not found, whose error is then infinite.
        truth: (N, K, 2), NaN where a point is not annotated.
        size: (N,) the square root of the area of the annotated points' tight box, in the same pixels.

    Raises:
        ValueError: a face has no annotated point, or a size is not above zero.
    """
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    size = np.asarray(size, np.float64)
    known = np.isfinite(truth).all(axis=-1)
    if not known.any(axis=1).all():
        raise ValueError("a face has no annotated point")
    if not (size > 0).all():
        raise ValueError("the size of a face must be above zero")
    distances = np.linalg.norm(predicted - np.where(known[..., None], truth, 0), axis=-1)
    distances = np.where(np.isnan(distances), np.inf, distances)
    return np.where(known, distances, 0).sum(axis=1) / known.sum(axis=1) / size * 100


def roc_auc(positive: ArrayLike, negative: ArrayLike) -> float:
    """Probability that a score of the positives is above one of the negatives, ties count half.

    NaN where either is empty.
    """
    positive, negative = np.asarray(positive, np.float64).ravel(), np.asarray(negative, np.float64).ravel()
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    upto = np.searchsorted(ordered, positive, side="right")
    return float((below + upto).mean() / 2 / len(negative))


def calibration_error(probability: ArrayLike, happened: ArrayLike) -> float:
    """Mean distance between what is foretold and what happens, over ten bins of equal width, weighted by how
    many are in each (Guo et al., "On Calibration of Modern Neural Networks", 2017)."""
    probability, happened = np.ravel(probability), np.ravel(happened).astype(np.float64)
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    sums = [np.bincount(bins, values, _BINS) for values in (probability, happened)]
    return float(np.abs(sums[0] - sums[1]).sum() / len(probability))


def visibility_figures(probability: ArrayLike, state: ArrayLike) -> dict[str, float]:
    """How well probabilities (N, K) of being visible tell the states (N, K) apart.

    Returns:
        ROC-AUC of visible points against those hidden by the head and against covered ones, and the error
        of the calibration.
    """
    probability, state = np.asarray(probability, np.float64), np.asarray(state)
    visible = probability[state == 0]
    return {
        "auc_hidden": roc_auc(visible, probability[state == 2]),
        "auc_covered": roc_auc(visible, probability[state == 1]),
        "calibration_error": calibration_error(probability, state == 0),
    }
