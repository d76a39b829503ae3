"""The benchmark's figures against a slow and independent computation."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bench.faces import spread
from bench.scores import ced_shares, common_schemes, face_errors, summarize
from fkp.datasets import Sample
from fkp.geometry import points_box
from fkp.schemes import IBUG68, IMM58, get_scheme


def face(points: np.ndarray, scheme: str = "ibug68") -> Sample:
    return Sample(Path("x.png"), "x", points_box(points), points, scheme, None, "x")


def random_faces(rng: np.random.Generator, count: int, scheme: str = "ibug68") -> list[Sample]:
    size = (get_scheme(scheme).num_points, 2)
    return [face(rng.uniform(0, 200, size), scheme) for _ in range(count)]


def slow_figures(
    predicted: np.ndarray, faces: list[Sample], corners: tuple[int, int] | None
) -> dict[str, float]:
    """NME, FR@8, AUC@8 and MAE in plain Python."""
    nmes, absolute = [], []
    for points, sample in zip(predicted.tolist(), faces, strict=True):
        truth = sample.points.tolist()
        if corners:
            size = math.dist(truth[corners[0]], truth[corners[1]])
        else:
            x0, y0, x1, y1 = sample.box.tolist()
            size = math.hypot(x1 - x0, y1 - y0)
        if any(math.isnan(v) for point in points for v in point):
            nmes.append(math.inf)
            continue
        pairs = list(zip(points, truth, strict=True))
        nmes.append(100 * sum(math.dist(p, t) for p, t in pairs) / len(pairs) / size)
        absolute += [abs(a - b) for p, t in pairs for a, b in zip(p, t, strict=True)]
    found = [value for value in nmes if value < math.inf]
    slices = 10_000  # of the area under the curve
    curve = [sum(n <= 8 * (i + 0.5) / slices for n in nmes) / len(nmes) for i in range(slices)]
    return {
        "nme": sum(found) / len(found),
        "fr8": 100 * sum(n > 8 for n in nmes) / len(nmes),
        "auc8": 100 * sum(curve) / len(curve),
        "mae": sum(absolute) / len(absolute),
        "missed": 100 * (len(nmes) - len(found)) / len(nmes),
    }


@pytest.mark.parametrize("scheme", ["ibug68", "imm58", "nose1"])
def test_figures_equal_an_independent_computation(rng, scheme):
    faces = random_faces(rng, 30, "imm58" if scheme == "nose1" else scheme)
    truth = np.stack([sample.points for sample in faces])
    points = truth + rng.normal(0, 1, truth.shape) * rng.uniform(0, 12, (30, 1, 1))
    points[4] = np.nan
    own = faces[0].scheme
    row = summarize(face_errors(points, own, faces, scheme))
    if scheme == "nose1":
        tip = IMM58.nose_tip
        points = points[:, [tip]]
        faces = [Sample(f.image, f.id, f.box, f.points[[tip]], "nose1", None, "x") for f in faces]
    for name, value in slow_figures(points, faces, get_scheme(scheme).outer_eye_corners).items():
        assert row[name] == pytest.approx(value, abs=0.02 if name == "auc8" else 1e-9), name


def test_figures_on_real_points(real_faces, rng):
    faces = spread(real_faces("300w-common"), 40)
    truth = np.stack([sample.points for sample in faces])
    points = truth + rng.normal(0, 3, truth.shape)
    row = summarize(face_errors(points, "ibug68", faces, "ibug68"))
    for name, value in slow_figures(points, faces, (36, 45)).items():
        assert row[name] == pytest.approx(value, abs=0.02 if name == "auc8" else 1e-9), name


def test_a_perfect_prediction_scores_nothing_and_a_shift_scores_the_shift(rng):
    faces = random_faces(rng, 5)
    truth = np.stack([sample.points for sample in faces])
    perfect = summarize(face_errors(truth, "ibug68", faces, "ibug68"))
    assert (perfect["nme"], perfect["mae"], perfect["fr8"], perfect["auc8"]) == (0, 0, 0, 100)
    shifted = summarize(face_errors(truth + np.array([3, -1]), "ibug68", faces, "ibug68"))
    assert shifted["mae"] == pytest.approx(2)
    assert shifted["mae_of"]["mouth"] == pytest.approx(2)
    sizes = [np.linalg.norm(points[36] - points[45]) for points in truth]
    assert shifted["nme"] == pytest.approx(np.mean(100 * math.sqrt(10) / np.array(sizes)))


def test_regions_and_the_inner_points(rng):
    faces = random_faces(rng, 3)
    truth = np.stack([sample.points for sample in faces])
    points = truth.copy()
    points[:, list(IBUG68.regions["jaw"])] += (4, 0)
    row = summarize(face_errors(points, "ibug68", faces, "ibug68"))
    assert row["mae_of"]["jaw"] == pytest.approx(2)
    assert row["mae_of"]["nose"] == row["nme_inner"] == 0


def test_a_larger_scheme_is_held_against_imm_by_its_nose_tip(rng):
    assert common_schemes("ibug68", "ibug68") == ["ibug68", "nose1"]
    assert common_schemes("ibug68", "imm58") == common_schemes("nose1", "imm58") == ["nose1"]
    faces = random_faces(rng, 4, "imm58")
    points = np.zeros((4, 68, 2))
    points[:, IBUG68.nose_tip] = [f.points[IMM58.nose_tip] + (0, 2) for f in faces]
    row = summarize(face_errors(points, "ibug68", faces, "nose1"))
    assert row["mae"] == pytest.approx(1)
    assert row["normalizer"] == "box diagonal"


def test_the_ced_row_counts_faces():
    row = ced_shares(np.array([1.0, 2.0, 9.0, np.inf]))
    assert (row["0.75"], row["1"], row["8"], row["10"]) == (0, 25, 50, 75)
