"""Scores against errors: ranks, tenths and head turns, on predictions whose errors are known."""

from pathlib import Path

import numpy as np
import pytest
from head_views import view

from bench.faces import head_turns
from bench.scores import FaceErrors
from bench.tasks.calibration import groups, rank_correlation
from fkp.datasets import Sample
from fkp.geometry import points_box
from fkp.schemes import IBUG68


def test_rank_correlation_knows_order_ties_and_constants():
    a = np.array([1.0, 2, 3, 4])
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert rank_correlation(a, -(a**3)) == pytest.approx(-1)
    assert rank_correlation(a, np.ones(4)) == 0
    # ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4
    assert rank_correlation(a, np.array([0.0, 5, 5, 9])) == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def errors(nme):
    distance = np.repeat(np.asarray(nme, float)[:, None], 68, axis=1)
    return FaceErrors(IBUG68, distance, distance, np.full(len(nme), 100.0))


def test_the_groups_hold_the_right_faces():
    nme = np.linspace(1, 20, 20)
    scores = np.repeat(1 - nme[:, None] / 40, 68, axis=1)  # perfectly sure of the best
    turn = np.where(np.arange(20) < 15, 10.0, 20.0)
    rows = {row.group: row for row in groups(errors(nme), scores, turn)}
    assert rows["all"].nme == pytest.approx(10.5)
    assert rows["all"].rank_correlation == pytest.approx(-1)
    assert rows["all"].point_rank_correlation == pytest.approx(-1)
    assert rows["least sure tenth"].nme == pytest.approx(19.5)
    assert rows["least sure tenth"].fr8 == 100
    assert rows["most sure tenth"].nme == pytest.approx(1.5)
    assert (rows["turned 0-15 deg"].faces, rows["turned 15-30 deg"].faces) == (15, 5)
    assert "turned 30+ deg" not in rows


def test_turns_are_those_of_the_true_points():
    views = [view("ibug68"), view("ibug68", yaw=50)]
    faces = [Sample(Path("x"), "x", points_box(p), p, "ibug68", None, "x") for p in views]
    straight, turned = head_turns(faces)
    assert straight == pytest.approx(0, abs=0.1)
    assert 40 < turned < 60
