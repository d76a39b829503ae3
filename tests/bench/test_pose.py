"""Errors of head poses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.tasks.pose import roll_errors, yaw_errors
from fkp.runtime.pose import Pose


def pose(yaw: float = 0.0, roll: float = 0.0) -> Pose:
    return Pose(yaw, 0.0, roll, 4.0)


def test_yaw_errors_by_groups():
    found = [pose(12), pose(-8), pose(40), pose(-70), None]
    groups = {e.group: e for e in yaw_errors(found, np.array([10.0, -10.0, 50.0, -80.0, 5.0]))}
    assert list(groups) == ["all", "yaw 0-30", "yaw 30-60", "yaw 60+"]
    assert groups["all"].faces == 4
    assert groups["all"].mae == pytest.approx(6.0)
    assert groups["all"].median == pytest.approx(6.0)
    assert groups["all"].mae_from < 6.0 < groups["all"].mae_to
    assert groups["all"].within == pytest.approx(40.0)  # a face without an estimate is not within
    assert groups["yaw 0-30"].bias == pytest.approx(0.0)
    assert (groups["yaw 30-60"].bias, groups["yaw 60+"].bias) == pytest.approx((-10.0, -10.0))


def test_roll_errors_are_what_the_turn_of_the_picture_does_not_explain():
    views = [[pose(roll=5), pose(roll=-24), pose(roll=35)], [pose(roll=170), pose(roll=140), pose(roll=-160)]]
    (group, *_) = roll_errors(views, np.array([0.0, 40.0]))
    assert (group.faces, group.mae) == (2, pytest.approx(0.25))
    assert group.bias is None


def test_the_interval_is_the_value_where_all_errors_are_equal():
    (group, *_) = yaw_errors([pose(3.0)] * 20, np.zeros(20))
    assert (group.mae_from, group.mae, group.mae_to) == pytest.approx((3.0, 3.0, 3.0))
    assert math.isfinite(group.within)
