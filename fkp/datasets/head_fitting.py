"""Learning a 3-D head from annotated faces of which the yaw is known: `python -m fkp data fit-heads`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.sample import Sample
from fkp.head_model import (
    Array,
    HeadFit,
    HeadModel,
    corrected_yaws,
    fit_heads,
    rotations,
    yaw_features,
)
from fkp.schemes import IMM58, Scheme

HEADS: Mapping[str, tuple[str, str]] = {
    "ibug68": ("merl-rav-train", "merl-rav-val"),
    "imm58": ("imm-train", "imm-val"),
}
"""Scheme -> the data sets from which its head is learned, and on which its errors are measured."""

# IMM's views 1, 2 and 5 are frontal; in 3 and 4 people turned by about 30 degrees. Nobody measured it.
_IMM_YAWS = {"1": 0.0, "2": 0.0, "3": -30.0, "4": 30.0, "5": 0.0}
_YAW_DEVIATION = {"ibug68": 3.0, "imm58": 5.0}  # degrees, of the given yaws

_ROUNDS = 8
_FIRST_NOISE = 0.1  # unit lengths
_SMALLEST_NOISE = 0.02  # no point is assumed to be more exact
_RIDGE, _YAW_POWERS = 0.3, 3  # of the correction's weights; the first ones are nearly free
_VARIANCE_ROUNDS = 500


def fit_head(
    training: Sequence[Sample],
    validation: Sequence[Sample],
    scheme: Scheme,
    predict: Callable[[Sample], Array] | None,
) -> tuple[HeadModel, int, int]:
    """The head of a scheme, and how many faces with known yaw it was learned from and measured on.

    Args:
        training, validation: faces with points, of some of which the yaw is known.
        scheme: of the points.
        predict: what a model finds for a face, (K, 2). The yaw is then corrected, and its errors are
            measured, for annotated and for predicted points alike; without it, nothing is corrected.
    """
    (points, yaws), (held_out, held_out_yaws) = (_with_yaws(faces) for faces in (training, validation))
    model = learn_head(points, yaws, scheme.mirror, np.radians(_YAW_DEVIATION[scheme.name]))
    sizes = len(yaws), len(held_out_yaws)
    if predict:
        found, held_out_found = (
            np.array([predict(face) for face in faces if _yaw(face) is not None])
            for faces in (training, validation)
        )
        model = with_correction(model, np.concatenate([points, found]), np.tile(yaws, 2))
        held_out, held_out_yaws = np.concatenate([held_out, held_out_found]), np.tile(held_out_yaws, 2)
    return with_deviation(model, held_out, held_out_yaws), *sizes


def _with_yaws(faces: Sequence[Sample]) -> tuple[Array, Array]:
    """Points (N, K, 2) and yaws (N,) in radians of the faces whose yaw is known."""
    known = [(face.points, yaw) for face in faces if (yaw := _yaw(face)) is not None]
    return np.array([points for points, _ in known]), np.radians([yaw for _, yaw in known])


def _yaw(face: Sample) -> float | None:
    return _IMM_YAWS.get(face.image.stem[3]) if face.scheme == IMM58.name else face.yaw


def learn_head(points: Array, yaws: Array, mirror: Sequence[int], yaw_deviation: float) -> HeadModel:
    """A head without correction, from faces and their mirror images.

    Structure from motion under weak perspective: the head is fitted to every face, then the points that
    explain the fitted views best are found by least squares, and so on. The yaws determine the depth of the
    head, which views alone do not.

    Args:
        points: (N, K, 2), NaN where a point is not known; some faces are complete.
        yaws: (N,) in radians.
        mirror: the scheme's mirror order.
        yaw_deviation: standard deviation of the yaws in radians.
    """
    order = np.array(mirror)
    points = np.concatenate([points, points[:, order] * (-1, 1)])
    yaws = np.concatenate([yaws, -yaws])
    model = _first_head(points, yaws, order)
    for _ in range(_ROUNDS):
        model = _solve_shape(model, points, fit_heads(model, points, yaws, yaw_deviation))
    return model


def with_correction(model: HeadModel, points: Array, yaws: Array) -> HeadModel:
    """The head with the correction of its yaws (N,), in radians, by ridge regression on fits to (N, K, 2)."""
    fit = fit_heads(model, points)
    features = yaw_features(model, fit)
    ridge = np.full(features.shape[1], _RIDGE)
    ridge[:_YAW_POWERS] = 1e-3
    wanted = features.T @ (yaws - fit.angles[:, 0])
    return replace(model, correction=np.linalg.solve(features.T @ features + np.diag(ridge), wanted))


def with_deviation(model: HeadModel, points: Array, yaws: Array) -> HeadModel:
    """The head with the spread of its errors on faces (N, K, 2) that it did not learn from.

    The variances are fitted by maximum likelihood of normal errors, with the multiplicative steps of Fevotte
    and Idier, "Algorithms for nonnegative matrix factorization with the beta-divergence", 2011.
    """
    squares = np.degrees(corrected_yaws(model, fit_heads(model, points))[0] - yaws) ** 2
    features = np.stack([np.ones_like(yaws), np.degrees(yaws) ** 2], axis=1)
    shares = np.full(features.shape[1], squares.mean() / features.mean(axis=0).sum())
    for _ in range(_VARIANCE_ROUNDS):
        variances = features @ shares
        shares *= np.sqrt((features.T @ (squares / variances**2)) / (features.T @ (1 / variances)))
    return replace(model, deviation=np.sqrt(shares))


def _first_head(points: Array, yaws: Array, mirror: NDArray[np.intp]) -> HeadModel:
    """A head from complete faces scaled to one height, which no yaw changes: x = width cos + depth sin."""
    complete = np.isfinite(points).all(axis=(1, 2))
    faces, yaws = points[complete], yaws[complete]
    faces = (faces - faces.mean(axis=1, keepdims=True)) / np.ptp(faces[..., 1], axis=1)[:, None, None]
    views = np.stack([np.cos(yaws), np.sin(yaws)], axis=1)
    width, depth = np.linalg.lstsq(views, faces[..., 0], rcond=None)[0]
    shape = np.stack([width, faces[..., 1].mean(axis=0), depth], axis=1)
    return _symmetric(shape, mirror, np.full(len(shape), _FIRST_NOISE))


def _solve_shape(model: HeadModel, points: Array, fit: HeadFit) -> HeadModel:
    """The head whose points explain the fitted views best."""
    known = np.asarray(np.isfinite(points).all(axis=2))
    targets = (points - fit.shifts[:, None]) / fit.scales[:, None, None]
    views = rotations(fit.angles)[:, :2]
    shape = [
        np.linalg.lstsq(views[seen].reshape(-1, 3), targets[seen, k].reshape(-1), rcond=None)[0]
        for k, seen in enumerate(known.T)
    ]
    variance = np.nanmean(fit.residuals**2, axis=(0, 2))
    noise = np.sqrt((variance + variance[model.mirror]) / 2).clip(min=_SMALLEST_NOISE)
    return _symmetric(np.array(shape), model.mirror, noise)


def _symmetric(shape: Array, mirror: NDArray[np.intp], noise: Array) -> HeadModel:
    """The shape made symmetric, about its center and of unit size, without correction."""
    shape = shape - shape.mean(axis=0)
    shape = (shape + shape[mirror] * (-1, 1, 1)) / 2
    size = np.sqrt((shape**2).sum(axis=1).mean())
    return HeadModel(shape / size, noise, mirror, np.zeros(_YAW_POWERS + 4 * len(shape)), np.zeros(2))
