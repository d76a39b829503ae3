"""Yaw, pitch and roll from landmarks, and how far eyes and mouth are open."""

from __future__ import annotations

import numpy as np
import pytest
from head_views import view

from fkp.errors import UsageError
from fkp.geometry import mirror_points
from fkp.head_model import fit_heads
from fkp.runtime.face import Face
from fkp.runtime.pose import head_pose, load_heads, openings
from fkp.schemes import IBUG68, SCHEMES

HEADS = ("ibug68", "imm58")


def uncorrected(scheme: str, points: np.ndarray) -> tuple[float, float, float]:
    return tuple(np.degrees(fit_heads(load_heads()[scheme], points[None]).angles[0]))


@pytest.mark.parametrize("scheme", HEADS)
@pytest.mark.parametrize("yaw", [-70, -25, 0, 40])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (15, -35), (-12, 170)])
def test_the_fit_finds_the_angles_of_its_own_head(scheme, yaw, pitch, roll):
    # The prior draws pitch a little to zero.
    found = uncorrected(scheme, view(scheme, yaw, pitch, roll))
    np.testing.assert_allclose(found, (yaw, pitch, roll), atol=1.0)


def test_signs_are_those_of_the_picture():
    """The nose tip leads, and of a head tilted clockwise the eye on the right of the picture is lower."""
    straight = view("ibug68")[30] - view("ibug68")[27:36].mean(axis=0)
    right = view("ibug68", yaw=30)[30] - view("ibug68", yaw=30)[27:36].mean(axis=0)
    up = view("ibug68", pitch=20)[30] - view("ibug68", pitch=20)[27:36].mean(axis=0)
    assert right[0] > straight[0] + 2
    assert up[1] < straight[1] - 2
    tilted = view("ibug68", roll=20)
    assert tilted[45, 1] > tilted[36, 1]
    found = [
        head_pose(view("ibug68", **angle), "ibug68") for angle in ({"yaw": 30}, {"pitch": 20}, {"roll": 20})
    ]
    assert found[0].yaw > 20
    assert found[1].pitch > 15
    assert found[2].roll == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize("scheme", HEADS)
def test_a_mirrored_face_has_the_opposite_yaw_and_roll(scheme):
    rng = np.random.default_rng(3)
    points = view(scheme, 28, 6, 9) + rng.normal(0, 1.5, (SCHEMES[scheme].num_points, 2))
    pose = head_pose(points, scheme)
    other = head_pose(mirror_points(points, 240, SCHEMES[scheme].mirror), scheme)
    assert (other.yaw, other.pitch, other.roll) == pytest.approx((-pose.yaw, pose.pitch, -pose.roll), abs=0.1)
    assert other.yaw_deviation == pytest.approx(pose.yaw_deviation, abs=0.05)


@pytest.mark.parametrize("angle", [-150, -35, 20, 90])
def test_a_turned_and_scaled_picture_changes_the_roll_alone(angle):
    points = view("ibug68", 25, -8, 5) + np.random.default_rng(1).normal(0, 1.0, (68, 2))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    first = head_pose(points, "ibug68")
    turned = head_pose(3 * points @ np.array([[cos, sin], [-sin, cos]]) - 500, "ibug68")
    assert (turned.yaw, turned.pitch) == pytest.approx((first.yaw, first.pitch), abs=0.1)
    assert (turned.roll - first.roll - angle + 180) % 360 - 180 == pytest.approx(0, abs=0.1)


def test_hidden_points_may_be_missing():
    points = view("ibug68", 60)
    seen = points.copy()
    seen[9:17] = seen[42:48] = np.nan
    assert uncorrected("ibug68", seen)[0] == pytest.approx(60, abs=1)


def test_a_turned_head_is_less_certain():
    deviations = [head_pose(view("ibug68", yaw), "ibug68").yaw_deviation for yaw in (0, 30, 60)]
    assert 2 < deviations[0] < deviations[1] < deviations[2] < 20


def test_no_head_no_pose():
    assert head_pose(np.zeros((1, 2)), "nose1") is None
    assert head_pose(np.zeros((68, 2)), "ibug68") is None
    few = np.full((68, 2), np.nan)
    few[:11] = view("ibug68")[:11]
    assert head_pose(few, "ibug68") is None
    with pytest.raises(UsageError, match="unknown landmark scheme"):
        head_pose(np.zeros((68, 2)), "ibug86")


def test_a_face_has_its_pose_and_openings():
    points = view("ibug68", 15).astype(np.float32)
    face = Face(points, np.ones(68, np.float32), np.zeros(4, np.float32), 1.0, "ibug68")
    assert face.pose == head_pose(points, "ibug68")
    assert face.openings == openings(points, "ibug68")


def test_openings_are_height_over_width():
    points = np.zeros((68, 2))
    points[[36, 39, 42, 45, 60, 64], 0] = 0, 30, 60, 90, 20, 70
    points[[37, 38, 40, 41], 1] = -3, -3, 3, 3
    points[[61, 62, 63, 65, 66, 67], 1] = -10, -10, -10, 10, 10, 10
    points[[37, 41], 0], points[[38, 40], 0] = 10, 20
    points[[61, 67], 0], points[[62, 66], 0], points[[63, 65], 0] = 30, 45, 60
    points[[43, 47], 0], points[[44, 46], 0] = 70, 80
    found = openings(points, IBUG68.name)
    assert (found.right_eye, found.left_eye, found.mouth) == pytest.approx((0.2, 0.0, 0.4))
    assert openings(np.zeros((68, 2)), IBUG68.name) is None
    assert openings(np.zeros((58, 2)), "imm58") is None
