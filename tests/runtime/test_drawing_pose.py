"""The axes of a head."""

from __future__ import annotations

import numpy as np
from head_views import view

from fkp.runtime.drawing import AXIS_COLORS, Style, draw
from fkp.runtime.face import Face

ONLY_AXES = Style(points=False, outlines=False, pose=True)


def drawn(yaw: float, pitch: float) -> dict[str, np.ndarray]:
    """Where each axis is drawn, from the nose tip to the mean of its pixels."""
    points = (view("ibug68", yaw, pitch) * 2).astype(np.float32)
    box = np.array([*points.min(axis=0), *points.max(axis=0)], np.float32)
    face = Face(points, np.ones(68, np.float32), box, 1.0, "ibug68")
    canvas = draw(np.zeros((560, 480, 3), np.uint8), [face], ONLY_AXES)
    found = {}
    for name, color in AXIS_COLORS.items():
        rows, columns = np.nonzero((canvas == color).all(axis=2))
        found[name] = np.array([columns.mean(), rows.mean()]) - points[30] if len(rows) else np.zeros(2)
    return found


def test_axes_point_where_the_head_does():
    axes = drawn(yaw=35, pitch=0)
    assert axes["ahead"][0] > 8
    assert axes["left"][0] > 8
    assert axes["up"][1] < -8
    assert drawn(yaw=-35, pitch=0)["ahead"][0] < -8
    assert drawn(yaw=0, pitch=20)["ahead"][1] < -5


def test_a_face_without_a_pose_has_no_axes():
    points = np.array([[30.0, 30.0]], np.float32)
    face = Face(points, np.ones(1, np.float32), np.array([10, 10, 50, 50], np.float32), 1.0, "nose1")
    assert not draw(np.zeros((64, 64, 3), np.uint8), [face], ONLY_AXES).any()
