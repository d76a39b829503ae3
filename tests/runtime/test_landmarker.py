"""Geometry from picture to points and back, the second pass, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx_models import make_spec, mean_shape, save_bright_dot_model, save_constant_model

from fkp import Landmarker
from fkp.errors import UsageError
from fkp.geometry import points_box
from fkp.runtime.detectors import Detections

BLACK = np.zeros((100, 120, 3), np.uint8)


def dot_picture(x: float, y: float, sigma: float, size: tuple[int, int]) -> np.ndarray:
    """A black picture with one soft dot whose center of light is (x, y)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    light = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.repeat(np.round(light).astype(np.uint8)[..., None], 3, axis=2)


class FixedDetector:
    """Finds the boxes it was given."""

    def __init__(self, *boxes) -> None:
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4)

    def detect(self, image):
        return Detections(self.boxes, np.linspace(0.9, 0.5, len(self.boxes), dtype=np.float32))


@pytest.mark.parametrize("crop_size", [(64, 64), (48, 96), (128, 64)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.3, 7.0])
def test_a_dot_is_found_where_it_is(tmp_path, scale, crop_size):
    spec = make_spec(scheme="nose1", size=crop_size, margin=1.3)
    landmarker = Landmarker(save_bright_dot_model(tmp_path, spec))
    # The dot spans two crop pixels or more at every scale, so that the crop can hold its place.
    side = 60 * scale
    x, y = 90.3 * scale, 71.8 * scale
    picture = dot_picture(x, y, sigma=3 * scale, size=(int(160 * scale), int(200 * scale)))
    corner = np.array([x - 0.62 * side, y - 0.41 * side])
    boxes = np.add([*corner, *corner], [[0, 0, side, side], [0, 0, side, 0.8 * side]])
    points = landmarker.predict(picture, boxes)
    assert points.shape == (2, 1, 2)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points[:, 0], [[x, y]] * 2, atol=0.04 * max(scale, 1))


@pytest.mark.parametrize("tilt", [0, 20, -75, 170])
def test_second_pass_finds_the_same_dot_on_a_leveled_crop(tmp_path, tilt):
    turn = np.radians(tilt)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shape = (mean_shape("ibug68") - 0.5) @ rotation.T
    shape[30] = 0
    path = save_bright_dot_model(tmp_path, make_spec(margin=1.5), shape)
    picture = dot_picture(90.3, 71.8, sigma=3, size=(150, 180))
    box = [[60.0, 40, 125, 110]]
    once, twice = (Landmarker(path, refine=refine).predict(picture, box)[0] for refine in (False, True))
    np.testing.assert_allclose(once[30], [90.3, 71.8], atol=0.05)
    np.testing.assert_allclose(twice[30], [90.3, 71.8], atol=0.05)
    # The model tilts its shape against the crop by as much again.
    across = [face[45] - face[36] for face in (once, twice)]
    angles = np.degrees([np.arctan2(v[1], v[0]) for v in across])
    assert (angles[1] - angles[0] - angles[0] + 180) % 360 - 180 == pytest.approx(0, abs=0.5)


def test_second_pass_crops_around_the_first_prediction(tmp_path):
    path = save_constant_model(tmp_path, make_spec(scheme="imm58", margin=1.0))
    box = np.array([20.0, 30, 80, 90])
    once, twice = (Landmarker(path, refine=refine).predict(BLACK, [box])[0] for refine in (False, True))
    expected = Landmarker(path).predict(BLACK, points_box(once)[None])[0]
    np.testing.assert_allclose(twice, expected, atol=1e-3)
    assert not np.allclose(once, twice, atol=1)


def test_second_pass_survives_a_collapsed_first_one(tmp_path):
    path = save_constant_model(tmp_path, points=np.full((68, 2), 0.5))
    points = Landmarker(path, refine=True).predict(BLACK, [[20, 30, 80, 90]])
    np.testing.assert_allclose(points, np.broadcast_to([50, 60], (1, 68, 2)), atol=1e-3)


def test_refine_needs_an_extent(tmp_path):
    path = save_constant_model(tmp_path, make_spec(scheme="nose1"), points=[[0.5, 0.5]])
    with pytest.raises(UsageError, match="refine needs three points or more; tiny has nose1"):
        Landmarker(path, refine=True)


def test_faces_carry_detections_and_scores(tmp_path):
    boxes = [10, 10, 60, 70], [50, 20, 110, 90]
    scores = np.linspace(0.2, 1, 68)
    landmarker = Landmarker(save_constant_model(tmp_path, scores=scores), detector=FixedDetector(*boxes))
    faces = landmarker(BLACK)
    assert [face.box.tolist() for face in faces] == [list(box) for box in boxes]
    assert [face.box_score for face in faces] == pytest.approx([0.9, 0.5])
    np.testing.assert_allclose(np.stack([face.points for face in faces]), landmarker.predict(BLACK, boxes))
    np.testing.assert_allclose(faces[0].scores, scores, atol=1e-6)
    assert {face.scheme for face in faces} == {"ibug68"}
    plain = faces[0].to_dict()
    assert plain["box"] == [10, 10, 60, 70]
    assert len(plain["points"]) == len(plain["scores"]) == 68


def test_no_faces_and_no_boxes(tmp_path):
    landmarker = Landmarker(save_constant_model(tmp_path), detector=FixedDetector(), refine=True)
    assert landmarker(BLACK) == []
    points, scores = landmarker.predict_with_scores(BLACK, [])
    assert points.shape == (0, 68, 2)
    assert scores.shape == (0, 68)
    assert landmarker.analyze(BLACK, np.empty((0, 4))).faces == []


def test_timings_are_named_in_order(tmp_path):
    landmarker = Landmarker(save_constant_model(tmp_path), detector=FixedDetector([10, 10, 60, 70]))
    timings = landmarker.analyze(BLACK).timings
    assert list(timings) == ["detect", "crop", "network"]
    assert all(ms > 0 for ms in timings.values())
    assert landmarker.analyze(BLACK, [[10, 10, 60, 70]]).timings["detect"] == 0


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (BLACK.astype(np.float32), "uint8 array, not float32"),
        ([[0, 0, 0]], "uint8 array, not list"),
        (BLACK[..., 0], r"RGB array \(H, W, 3\), not \(100, 120\)"),
        (np.zeros((5, 5, 4), np.uint8), r"not \(5, 5, 4\)"),
        (BLACK[:0], r"not \(0, 120, 3\)"),
    ],
)
def test_pictures_that_are_none(tmp_path, image, words):
    landmarker = Landmarker(save_constant_model(tmp_path))
    for call in (landmarker, landmarker.detect, lambda i: landmarker.predict(i, [[0, 0, 9, 9]])):
        with pytest.raises(ValueError, match=words):
            call(image)


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([1, 2, 3, 4], r"\(N, 4\) array of x0, y0, x1, y1, not \(4,\)"),
        ([[1, 2, 3]], r"not \(1, 3\)"),
        ([[1, 2, 1, 4]], "needs x1 > x0"),
        ([[1, 2, np.nan, 4]], "finite"),
    ],
)
def test_boxes_that_are_none(tmp_path, boxes, words):
    landmarker = Landmarker(save_constant_model(tmp_path))
    with pytest.raises(ValueError, match=words):
        landmarker.predict(BLACK, boxes)


def test_boxes_far_outside_the_picture_still_give_points(tmp_path):
    points = Landmarker(save_constant_model(tmp_path)).predict(BLACK, [[-5000, -5000, -4000, -4000]])
    assert np.isfinite(points).all()


def test_threads_share_a_landmarker(tmp_path):
    landmarker = Landmarker(save_bright_dot_model(tmp_path), threads=1)
    places = np.random.default_rng(1).uniform(40, 60, (24, 2))
    pictures = [dot_picture(x, y, 3, (100, 100)) for x, y in places]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda p: landmarker.predict(p, [[30, 30, 70, 70]])[0, 0], pictures))
    np.testing.assert_allclose(found, places, atol=0.05)


def test_importing_the_package_loads_nothing_heavy():
    def loaded(statement: str) -> set[str]:
        code = f"{statement}; import sys; print(*sys.modules)"
        return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())

    assert not loaded("import fkp") & {"av", "cv2", "numpy", "onnx", "onnxruntime", "torch"}
    assert not loaded("from fkp import *; Landmarker, Face") & {"av", "onnx", "torch"}


def test_unknown_names_in_the_package():
    import fkp

    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = fkp.nothing
