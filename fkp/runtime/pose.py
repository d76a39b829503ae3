"""How a head is held, estimated from its landmarks alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fkp.runtime.face import Face
from fkp.schemes import get_scheme

# How far the scheme's nose tip stands out before the eyes, in distances of the eye centers: from the
# pictures of the IMM training set whose heads are turned by about 30 degrees.
_NOSE_DEPTH: Mapping[str, float] = {"ibug68": 0.59, "imm58": 0.38}


@dataclass(frozen=True, slots=True)
class Pose:
    """Angles of a head in degrees.

    Attributes:
        roll: tilt towards a shoulder, clockwise as seen in the picture.
        turn: towards the right of the picture; an estimate that is good to about 10 degrees.
    """

    roll: float
    turn: float


def head_pose(face: Face) -> Pose | None:
    """The pose of a face, None where its scheme has no eyes.

    Roll is the angle of the line between the eye centers (the means of each eye's points).

    Turn takes the head as rigid and far away. Seen along the line of sight, a head turned by t shows
    its eyes at distance e cos t, and moves the nose tip, which stands out before the eyes by p, along
    that line by p sin t. So tan t = (e / p) * (shift of the nose tip from the middle of the eyes,
    along the line of the eyes) / (distance of the eyes in the picture). p / e is a mean over adults;
    looking up or down does not change it, as the shift is measured along the line of the eyes.
    """
    scheme = get_scheme(face.scheme)
    if face.scheme not in _NOSE_DEPTH:
        return None
    points = face.points.astype(np.float64)
    right, left = (points[list(scheme.regions[eye])].mean(axis=0) for eye in ("right_eye", "left_eye"))
    across = left - right
    distance = float(np.hypot(*across))
    if distance < 1e-6:
        return None
    shift = (points[scheme.nose_tip] - (right + left) / 2) @ across / distance
    return Pose(
        roll=float(np.degrees(np.arctan2(across[1], across[0]))),
        turn=float(np.degrees(np.arctan(shift / distance / _NOSE_DEPTH[face.scheme]))),
    )
