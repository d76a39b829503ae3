"""A 3-D head of landmarks, seen from far away, and its fit to landmarks in a picture.

The head frame: x to the right of the picture, y down, z towards the viewer, for a head that faces
the camera; its origin is the center of the points, its unit the root mean square of their distances
from there. A head X (K, 3) is seen as

    scale * (the first two rows of R) X + shift,    R = Rz(roll) Ry(yaw) Rx(pitch)

(weak perspective). With these signs yaw > 0 looks to the right of the picture, pitch > 0 up, and roll > 0
tilts clockwise. As roll comes last, rotating the picture changes nothing else. Roll is the angle of the
line between the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_YAW, _PITCH, _ROLL, _SCALE = range(4)  # the parameters: radians, and the logarithm of the scale; then shift
_PARAMETERS = 6
_STARTS = np.radians([-75, -45, -15, 15, 45, 75])  # yaws
_PITCH_SPREAD = np.radians(15)  # of heads in photos, about the pitch of the mean head
_ITERATIONS = 20
_CONVERGED = 1e-3  # radians
_ROBUST = 3.0  # deviations from which a point counts less
_FARTHEST = 0.4  # unit lengths: a residual that counts in full for the correction


@dataclass(frozen=True, slots=True)
class HeadModel:
    """A head, how well its points are found, and what its fit leaves to correct.

    Attributes:
        mean: (K, 3), symmetric.
        noise: (K,) standard deviation of a point in the picture from the fitted head, in unit lengths.
        mirror: (K,) the scheme's mirror order.
        correction: (F,) what is added to the yaw in radians, as weights of `yaw_features`.
        deviation: (2,) the standard deviation of a corrected yaw: in degrees of a face in front of
            the camera, and its slope over the yaw; the squares of both add up.
    """

    mean: Array
    noise: Array
    mirror: NDArray[np.intp]
    correction: Array
    deviation: Array


@dataclass(frozen=True, slots=True)
class HeadFit:
    """Heads fitted to the landmarks of N faces.

    Attributes:
        angles: (N, 3) yaw, pitch and roll in radians; the yaw is not corrected.
        scales: (N,) pixels per unit length.
        shifts: (N, 2) where the head's origin is seen.
        residuals: (N, K, 2) seen minus fitted points on a picture rotated back by the roll, in unit lengths;
            NaN where a point is not known.
    """

    angles: Array
    scales: Array
    shifts: Array
    residuals: Array


def fit_heads(
    model: HeadModel, points: Array, yaws: Array | None = None, yaw_deviation: float = 0.05
) -> HeadFit:
    """Fit the head to landmarks, by the Levenberg-Marquardt method from the best of several yaws.

    Pitch is drawn to 0 with the spread that it has in photos. Points far from the fit count less (Huber's
    loss), such as those that a network guesses behind the head.

    Args:
        model: of the points' scheme.
        points: (N, K, 2), NaN where a point is not known; at least four of each face are, apart.
        yaws: (N,) known yaws in radians that the fit is drawn to, NaN where unknown.
        yaw_deviation: standard deviation of these in radians.
    """
    known = np.asarray(np.isfinite(points).all(axis=2))
    seen = np.where(known[..., None], points, 0.0)
    parameters = _start(model, seen, (known / model.noise) ** 2)
    # In pixels, of the first scale: with a spread in unit lengths, larger heads would seem to fit better.
    weights = known / model.noise / np.exp(parameters[:, _SCALE])[:, None]
    center, precision = np.zeros_like(parameters), np.zeros_like(parameters)
    precision[:, _PITCH] = _PITCH_SPREAD**-2
    if yaws is not None:
        given = np.isfinite(yaws)
        parameters[given, _YAW] = center[given, _YAW] = yaws[given]
        precision[given, _YAW] = yaw_deviation**-2
    damping = np.full(len(points), 1e-3)
    state = _normal_equations(model, seen, weights, parameters, center, precision)
    for _ in range(_ITERATIONS):
        cost, gradient, hessian = state
        damped = hessian * (1 + damping[:, None, None] * np.eye(_PARAMETERS))
        step = np.linalg.solve(damped, -gradient[..., None])[..., 0]
        tried = _normal_equations(model, seen, weights, parameters + step, center, precision)
        better = tried[0] <= cost
        parameters[better] += step[better]
        for old, new in zip(state, tried, strict=True):
            old[better] = new[better]
        damping = np.where(better, damping / 5, damping * 5)
        if (np.abs(step[:, :_SCALE]) < _CONVERGED).all():
            break
    angles, scales = parameters[:, :_SCALE], np.exp(parameters[:, _SCALE])
    fitted, _ = _project(model, parameters)
    level = rotations(angles * (0, 0, 1))[:, :2, :2]
    residuals = (points - fitted) @ level / scales[:, None, None]
    return HeadFit(angles, scales, parameters[:, 4:], residuals)


def corrected_yaws(model: HeadModel, fit: HeadFit) -> tuple[Array, Array]:
    """Yaws and their standard deviations, (N,) each, in radians."""
    yaws = fit.angles[:, _YAW] + yaw_features(model, fit) @ model.correction
    straight, slope = model.deviation
    return yaws, np.hypot(np.radians(straight), slope * yaws)


def yaw_features(model: HeadModel, fit: HeadFit) -> Array:
    """The features of the linear correction of the yaw, (N, F); those of a mirrored face have the other sign.

    The fitted yaw, its signed square and its cube; the residuals' part that a mirror reverses; the part that
    it keeps, times the yaw.
    """
    yaw = fit.angles[:, _YAW, None]
    residuals = np.nan_to_num(fit.residuals).clip(-_FARTHEST, _FARTHEST)
    mirrored = residuals[:, model.mirror] * (-1, 1)
    odd, even = ((residuals + sign * mirrored).reshape(len(yaw), -1) / 2 for sign in (-1, 1))
    return np.concatenate([yaw, yaw * abs(yaw), yaw**3, odd, even * yaw], axis=1)


def rotations(angles: Array) -> Array:
    """Rotation matrices (N, 3, 3) of yaw, pitch and roll (N, 3), in radians."""
    return _turns(angles)[0]


def _start(model: HeadModel, seen: Array, weights: Array) -> Array:
    """Parameters (N, 6) of the head at the one of some yaws from which it is seen most like each face."""
    angles = np.zeros((len(_STARTS), 3))
    angles[:, _YAW] = _STARTS
    as_complex = np.array([1, 1j])  # a similarity is a complex factor and a shift
    views, target = model.mean @ rotations(angles)[:, :2].transpose(0, 2, 1) @ as_complex, seen @ as_complex
    weights = weights / weights.sum(axis=1, keepdims=True)
    middle, offset = (weights * target).sum(axis=1), weights @ views.T
    target, views = target - middle[:, None], views - offset[..., None]
    weights, target = weights[:, None], target[:, None]
    factors = (weights * views.conj() * target).sum(axis=2) / (weights * abs(views) ** 2).sum(axis=2)
    errors = (weights * abs(views - target / factors[..., None]) ** 2).sum(axis=2)
    best = errors.argmin(axis=1)
    faces = np.arange(len(seen))
    factor = factors[faces, best]
    shift = middle - factor * offset[faces, best]
    turned = [_STARTS[best], np.zeros(len(seen)), np.angle(factor), np.log(abs(factor))]
    return np.stack([*turned, shift.real, shift.imag], axis=1)


def _normal_equations(
    model: HeadModel, seen: Array, weights: Array, parameters: Array, center: Array, precision: Array
) -> tuple[Array, Array, Array]:
    """The cost (N,), and the halves of its gradient (N, 6) and of its Gauss-Newton Hessian (N, 6, 6)."""
    fitted, slopes = _project(model, parameters)
    residuals = (fitted - seen) * weights[..., None]
    length = np.linalg.norm(residuals, axis=2)
    share = np.sqrt(_ROBUST / length.clip(min=_ROBUST))[..., None]
    losses = np.where(length > _ROBUST, 2 * _ROBUST * length - _ROBUST**2, length**2)
    off = parameters - center
    slopes = (slopes * (weights[..., None] * share)[..., None]).reshape(len(seen), -1, _PARAMETERS)
    transposed = slopes.transpose(0, 2, 1)
    gradient = (transposed @ (residuals * share).reshape(len(seen), -1, 1))[..., 0] + precision * off
    hessian = transposed @ slopes + precision[:, None] * np.eye(_PARAMETERS)
    return losses.sum(axis=1) + (precision * off**2).sum(axis=1), gradient, hessian


def _project(model: HeadModel, parameters: Array) -> tuple[Array, Array]:
    """Points as seen, (N, K, 2), and their derivatives by the parameters, (N, K, 2, 6)."""
    matrices, by_angle = _turns(parameters[:, :_SCALE])
    scale = np.exp(parameters[:, _SCALE])[:, None, None]
    points = scale * (model.mean @ matrices[:, :2].transpose(0, 2, 1))
    slopes = np.zeros((*points.shape, _PARAMETERS))
    moved = model.mean @ by_angle[:, :, :2].transpose(0, 1, 3, 2)
    slopes[..., :_SCALE] = scale[..., None] * moved.transpose(0, 2, 3, 1)
    slopes[..., _SCALE] = points
    slopes[:, :, 0, 4] = slopes[:, :, 1, 5] = 1
    return points + parameters[:, None, 4:], slopes


def _turns(angles: Array) -> tuple[Array, Array]:
    """Rotations (N, 3, 3), and their derivatives by yaw, pitch and roll, (N, 3, 3, 3)."""
    axes = ((2, 0), (1, 2), (0, 1))
    yaw, pitch, roll = (_axis_turn(angles[:, i], *pair) for i, pair in enumerate(axes))
    derivatives = [roll[0] @ yaw[1] @ pitch[0], roll[0] @ yaw[0] @ pitch[1], roll[1] @ yaw[0] @ pitch[0]]
    return roll[0] @ yaw[0] @ pitch[0], np.stack(derivatives, axis=1)


def _axis_turn(angle: Array, first: int, second: int) -> tuple[Array, Array]:
    """The rotations (N, 3, 3) that take one axis towards a second one, and their derivatives."""
    matrix, derivative = np.zeros((2, len(angle), 3, 3))
    matrix[:, range(3), range(3)] = 1
    cos, sin = np.cos(angle), np.sin(angle)
    for out, along, across in ((matrix, cos, sin), (derivative, -sin, cos)):
        out[:, first, first] = out[:, second, second] = along
        out[:, second, first], out[:, first, second] = across, -across
    return matrix, derivative
