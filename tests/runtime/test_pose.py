"""Head roll and turn from landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import mean_shape

from fkp.geometry import mirror_points
from fkp.runtime.face import Face
from fkp.runtime.pose import head_pose
from fkp.schemes import get_scheme


def face(points: np.ndarray, scheme: str = "ibug68") -> Face:
    return Face(
        points.astype(np.float32), np.ones(len(points), np.float32), np.zeros(4, np.float32), 1.0, scheme
    )


def frontal(scheme: str) -> np.ndarray:
    """A face of which the nose tip lies below the middle of the eyes."""
    points = mean_shape(scheme) * 200
    points[get_scheme(scheme).nose_tip] = (100, 110)
    return points


@pytest.mark.parametrize("scheme", ["ibug68", "imm58"])
@pytest.mark.parametrize("angle", [-35, 0, 20])
def test_roll_is_clockwise_and_leaves_the_turn(scheme, angle):
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    pose = head_pose(face(frontal(scheme) @ np.array([[cos, sin], [-sin, cos]]), scheme))
    assert pose.roll == pytest.approx(angle, abs=1e-3)
    assert pose.turn == pytest.approx(0, abs=1e-3)


def test_a_nose_moved_to_the_right_is_a_turn_to_the_right_and_a_mirror_reverses_it():
    scheme = get_scheme("ibug68")
    points = frontal("ibug68")
    points[scheme.nose_tip, 0] += 0.59 * np.tan(np.radians(30)) * 64  # the eyes are 64 pixels apart
    assert head_pose(face(points)).turn == pytest.approx(30, abs=0.5)
    mirrored = mirror_points(points, 200, scheme.mirror)
    assert head_pose(face(mirrored)).turn == pytest.approx(-30, abs=1.5)


def test_no_eyes_no_pose():
    assert head_pose(face(np.zeros((1, 2)), "nose1")) is None
    assert head_pose(face(np.zeros((68, 2)))) is None
