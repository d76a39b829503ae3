"""Points in the unit frame of crops."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fake_data import cartoon

from fkp.datasets import Sample
from fkp.datasets.unit_shapes import unit_shapes
from fkp.errors import UsageError
from fkp.geometry import points_box
from fkp.schemes import IBUG68


def test_unit_shapes_do_not_know_where_a_face_was_or_how_large():
    points = cartoon(IBUG68)
    samples = [
        Sample(Path("a.jpg"), "a", points_box(p), p, "ibug68", None, "a")
        for p in (points * 90 + 7, points * 300 - 20)
    ]
    small, large = unit_shapes(samples, margin=1.5)
    np.testing.assert_allclose(small, large, atol=1e-9)
    span = points_box(small)
    assert max(span[2:] - span[:2]) == pytest.approx(1 / 1.5)
    with pytest.raises(UsageError, match="points"):
        unit_shapes([dataclasses.replace(samples[0], points=None)])
