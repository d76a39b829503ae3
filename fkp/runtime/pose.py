"""The pose of a head, and how far eyes and mouth are open, from the landmarks of a face alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from fkp.head_model import Array, HeadFit, HeadModel, corrected_yaws, fit_heads
from fkp.schemes import IBUG68, get_scheme

HEADS_FILE = Path(__file__).with_name("heads.json")
"""Scheme -> the constants of its head; what `python -m fkp data fit-heads` writes."""

_FEWEST_POINTS = 12  # of a face whose pose is estimated
_SMALLEST = 1e-3  # pixels that the points spread over

# Of the 68 points, for each opening: the ends of its width, and pairs of points across its height.
_OPENINGS = {
    "right_eye": ((36, 39), ((37, 41), (38, 40))),
    "left_eye": ((42, 45), ((43, 47), (44, 46))),
    "mouth": ((60, 64), ((61, 67), (62, 66), (63, 65))),
}


@dataclass(frozen=True, slots=True)
class Pose:
    """Angles of a head in degrees, as seen by the camera.

    Attributes:
        yaw: positive where the face looks to the right of the picture.
        pitch: positive where it looks up; 0 is the mean of the photos that the head was learned from.
        roll: positive where it is tilted clockwise in the picture; the angle of the line between the eyes.
        yaw_deviation: standard deviation of the yaw; those of pitch and roll are not known.
    """

    yaw: float
    pitch: float
    roll: float
    yaw_deviation: float


@dataclass(frozen=True, slots=True)
class Openings:
    """Height over width of the eyes and of the mouth's inner outline; 0 is closed.

    Use it for changes over time of one person facing the camera, such as blinks and speech. It does not
    measure how open an eye is: eyes differ between people, and width shrinks as the head turns, height as it
    nods.
    """

    right_eye: float
    left_eye: float
    mouth: float


def head_pose(points: ArrayLike, scheme: str) -> Pose | None:
    """The pose of the head with landmarks (K, 2), image frame, NaN where one is not known.

    Returns:
        None where the scheme has no fitted head, fewer than 12 points are known, or all are in one place.

    Raises:
        UsageError: unknown scheme.
    """
    found = fit_head(points, scheme)
    if found is None:
        return None
    model, fit = found
    yaws, deviations = corrected_yaws(model, fit)
    _, pitch, roll = np.degrees(fit.angles[0]).tolist()
    yaw, deviation = float(np.degrees(yaws[0])), float(np.degrees(deviations[0]))
    return Pose(yaw, pitch, (roll + 180) % 360 - 180, deviation)


def fit_head(points: ArrayLike, scheme: str) -> tuple[HeadModel, HeadFit] | None:
    """The scheme's head and its fit to the landmarks of one face; None and errors as for `head_pose`."""
    model = load_heads().get(get_scheme(scheme).name)
    if model is None:
        return None
    face = np.asarray(points, np.float64)
    known = face[np.isfinite(face).all(axis=1)]
    if len(known) < _FEWEST_POINTS or np.ptp(known, axis=0).max() < _SMALLEST:
        return None
    return model, fit_heads(model, face[None])


def openings(points: ArrayLike, scheme: str) -> Openings | None:
    """How far eyes and mouth are open, from landmarks (K, 2); None but for the 68 points, or without a width.

    For an eye this is the eye aspect ratio of Soukupova and Cech, "Real-Time Eye Blink Detection using Facial
    Landmarks", CVWW 2016.
    """
    if scheme != IBUG68.name:
        return None
    face = np.asarray(points, np.float64)
    ratios = {}
    for name, ((right, left), pairs) in _OPENINGS.items():
        width = np.linalg.norm(face[left] - face[right])
        if not width > _SMALLEST:
            return None
        ratios[name] = float(np.mean([np.linalg.norm(face[a] - face[b]) for a, b in pairs]) / width)
    return Openings(**ratios)


@cache
def load_heads() -> dict[str, HeadModel]:
    """The fitted head of every scheme that has one."""
    rows = json.loads(HEADS_FILE.read_text(encoding="utf-8"))
    return {name: _from_row(row, name) for name, row in rows.items()}


def _from_row(row: dict[str, list], scheme: str) -> HeadModel:
    mean, noise, correction, deviation = (
        np.array(row[name], np.float64) for name in ("mean", "noise", "correction", "deviation")
    )
    return HeadModel(mean, noise, np.array(get_scheme(scheme).mirror), correction, deviation)


def head_row(model: HeadModel) -> dict[str, list]:
    """A head as `HEADS_FILE` holds it."""

    def rounded(values: Array) -> list:
        return np.round(values, 4).tolist()

    return {name: rounded(getattr(model, name)) for name in ("mean", "noise", "correction", "deviation")}
