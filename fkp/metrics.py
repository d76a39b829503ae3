"""How wrong predicted landmarks are: pure functions of arrays.

Predictions and truths are (N, K, 2), in pixels of the original image. A prediction that is NaN
stands for a face that was not found: its errors are infinite, so that it counts as a failure and
cannot vanish in a mean. Average only what is finite, and say the share of the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

FAILURE_THRESHOLD = 8.0  # percent of the normalizer: the field's limit for 300-W


def point_mae(predicted: ArrayLike, truth: ArrayLike) -> Array:
    """Mean of |dx| and |dy| of every point, in pixels: (N, K, 2) twice -> (N, K)."""
    return _difference(predicted, truth, lambda d: np.abs(d).mean(axis=-1))


def point_distance(predicted: ArrayLike, truth: ArrayLike) -> Array:
    """Euclidean error of every point, in pixels: (N, K, 2) twice -> (N, K)."""
    return _difference(predicted, truth, lambda d: np.hypot(d[..., 0], d[..., 1]))


def _difference(predicted: ArrayLike, truth: ArrayLike, measure: Callable[[Array], Array]) -> Array:
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    if predicted.shape != truth.shape or truth.ndim != 3 or truth.shape[-1] != 2:
        raise ValueError(f"points must be (N, K, 2) twice, not {predicted.shape} and {truth.shape}")
    if not np.isfinite(truth).all():
        raise ValueError("the true points hold NaN or infinities")
    errors = measure(predicted - truth)
    return np.where(np.isnan(errors), np.inf, errors)


def inter_ocular(truth: ArrayLike, outer_eye_corners: tuple[int, int]) -> Array:
    """Distance of the outer eye corners, in pixels: (N, K, 2) -> (N,)."""
    truth = np.asarray(truth, np.float64)
    right, left = outer_eye_corners
    return np.linalg.norm(truth[:, right] - truth[:, left], axis=-1)


def nme(errors: ArrayLike, normalizer: ArrayLike) -> Array:
    """Normalized mean error of every face, in percent.

    Args:
        errors: (N, K) from `point_distance`.
        normalizer: (N,) in pixels: `inter_ocular`, or the diagonal of the face box for the schemes
            that say so.
    """
    normalizer = np.asarray(normalizer, np.float64)
    if not (normalizer > 0).all():
        raise ValueError("a normalizer must be above zero for every face")
    return np.asarray(errors, np.float64).mean(axis=1) / normalizer * 100


def failure_rate(face_nme: ArrayLike, threshold: float = FAILURE_THRESHOLD) -> float:
    """Share of faces whose NME is above the threshold, in percent; faces not found count."""
    return float((np.asarray(face_nme, np.float64) > threshold).mean() * 100)


def ced(face_nme: ArrayLike, thresholds: ArrayLike) -> Array:
    """Cumulative error distribution: share of faces at or below each threshold, (T,) in [0, 1]."""
    ordered = np.sort(np.asarray(face_nme, np.float64))
    return np.searchsorted(ordered, np.asarray(thresholds, np.float64), side="right") / len(ordered)


def auc(face_nme: ArrayLike, threshold: float = FAILURE_THRESHOLD) -> float:
    """Area under the CED curve from 0 to the threshold, exactly, in percent of the whole area."""
    gains = (threshold - np.asarray(face_nme, np.float64)).clip(min=0) / threshold
    return float(gains.mean() * 100)


def region_means(errors: ArrayLike, regions: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Mean error per region over the faces that were found: (N, K) -> {region: error}.

    NaN where no face was found.
    """
    errors = np.asarray(errors, np.float64)
    found = errors[np.isfinite(errors).all(axis=1)]
    return {
        name: float(found[:, list(index)].mean()) if len(found) else float("nan")
        for name, index in regions.items()
    }
