"""Distortions, mirror and jitter with predictors whose predictions are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fake_data import make_face
from onnx_models import make_spec, save_bright_dot_model

from bench.candidates import Candidate, find_candidates
from bench.tasks.distortions import DISTORTIONS, FACE, SIDE, Patch, cut_patch, distort, move, rotation_about
from bench.tasks.jitter import Condition, jitter, video, wobbling_boxes
from bench.tasks.robustness import CAP, capped, summary
from fkp.datasets import Sample
from fkp.geometry import points_box
from fkp.schemes import IBUG68


@pytest.fixture
def patch(rng, tmp_path) -> Patch:
    image, points = make_face(rng)
    return cut_patch(Sample(tmp_path, "x", points_box(points), points, "ibug68", None, "x"), image)


def test_a_patch_is_normalized(patch):
    assert patch.image.shape == (SIDE, SIDE, 3)
    assert (patch.box[2:] - patch.box[:2]).max() == pytest.approx(FACE)
    np.testing.assert_allclose(points_box(patch.points), patch.box)


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_a_distortion_repeats_itself_and_grows(kind, patch):
    severities = DISTORTIONS[kind].severities
    assert len(severities) == 5
    assert list(severities) == sorted(severities)
    first, second = (distort(patch, kind, severities[2], seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.box, second.box)

    def change(severity):
        other = distort(patch, kind, severity, seed=3)
        pixels = np.abs(other.image.astype(float) - patch.image).mean()
        return pixels + np.abs(other.box - patch.box).sum()

    assert 0 < change(severities[0]) < change(severities[-1])


def test_points_move_with_the_picture():
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[198:203, 148:153] = 255
    dot = Patch(image, np.array([[150.0, 200.0]]), np.array([112.0, 112, 272, 272]))
    moved = move(dot, rotation_about(np.array([192.0, 192.0]), 30, 1.2, np.array([10.0, -5.0])))
    y, x = np.argwhere(moved.image[..., 0] > 128).mean(axis=0)
    np.testing.assert_allclose(moved.points[0], (x, y), atol=0.5)


def test_the_summary_is_the_mean_of_kinds_of_means_of_severities():
    rows = [
        Condition(kind, s, float(i))
        for i, (kind, distortion) in enumerate(DISTORTIONS.items())
        for s in distortion.severities
    ]
    assert summary([*rows, Condition("clean", 0.0, 99.0)]) == pytest.approx(4.5)


def test_lost_faces_count_as_the_cap():
    assert capped("dark", 2, np.array([1.0, 100.0, np.inf])).nme == pytest.approx((1 + 2 * CAP) / 3)


@pytest.mark.parametrize(("kind", "sign"), [("bright", 1), ("dark", -1)])
def test_light_goes_one_way(kind, sign):
    """A plain patch gets lighter, or darker, from one severity to the next, until it is white or black."""
    plain = Patch(np.full((SIDE, SIDE, 3), 150, np.uint8), np.zeros((68, 2)), np.zeros(4))
    levels = [distort(plain, kind, s, 0).image.mean() * sign for s in DISTORTIONS[kind].severities]
    assert levels == sorted(levels)
    assert sign * 150 < levels[0]


class _Oracle:
    """Knows the truth of the next frames, plus a constant error."""

    def __init__(self, frames: list[Patch], error: tuple[float, float]) -> None:
        self._predictions = iter([frame.points + error for frame in frames])

    def predict(self, image, boxes):
        return next(self._predictions)[None]


def test_a_constant_error_does_not_wobble(patch):
    oracle = Candidate("oracle", IBUG68, "0", "own", lambda: _Oracle(video(patch, 0), (3, 4)), "file")
    (row,) = jitter([oracle], [patch], CAP)["oracle"]
    assert row.kind == "jitter"
    assert row.wobble == pytest.approx(0, abs=1e-9)
    assert row.nme == pytest.approx(500 / patch.normalizer(IBUG68))


def test_a_face_that_is_mostly_lost_has_no_wobble(patch):
    class Lost(_Oracle):
        def predict(self, image, boxes):
            return super().predict(image, boxes) * np.nan

    for predictor, wobble, lost in ((Lost, None, 100), (_Oracle, pytest.approx(0, abs=1e-9), 0)):
        candidate = Candidate(
            "any", IBUG68, "0", "own", lambda p=predictor: p(video(patch, 0), (0, 0)), "file"
        )
        (row,) = jitter([candidate], [patch], CAP)["any"]
        assert (row.wobble, row.lost) == (wobble, lost)


def test_videos_repeat_themselves_and_move(patch):
    first, second = video(patch, 5), video(patch, 5)
    np.testing.assert_array_equal(first[7].image, second[7].image)
    np.testing.assert_array_equal(wobbling_boxes(first, 5), wobbling_boxes(second, 5))
    steps = np.linalg.norm(np.diff([f.points.mean(axis=0) for f in first], axis=0), axis=1)
    assert 0 < steps.max() < 0.05 * FACE
    assert np.ptp([f.points.mean(axis=0) for f in first], axis=0).max() > 0.1 * FACE


def test_a_model_is_measured_with_and_without_the_tracker(tmp_path):
    spec = dataclasses.replace(make_spec("dot", "nose1"), margin=1.6)
    (candidate,), _ = find_candidates([str(save_bright_dot_model(tmp_path, spec))], ["cpu"], 1)
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[184:201, 184:201] = 255
    patch = Patch(image, np.array([[192.0, 192.0]]), np.array([112.0, 112, 272, 272]))
    plain, smooth = jitter([candidate], [patch], CAP)["dot"]
    assert (plain.kind, smooth.kind) == ("jitter", "jitter smoothed")
    assert 0 < smooth.wobble < plain.wobble
