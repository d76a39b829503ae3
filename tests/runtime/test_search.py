"""Faces in any orientation, small ones in large pictures, and those that cannot be trusted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from fkp import Landmarker
from fkp.errors import UsageError
from fkp.geometry import box_iou, merge_boxes, one_face, points_box
from fkp.images import load_image
from fkp.runtime.detectors import Detections
from fkp.runtime.search import detect_rotated, detect_tiled

PORTRAIT = Path(__file__).resolve().parents[2] / "demo" / "examples" / "eileen-collins.jpg"
ROTATIONS = [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE]


class CornerDetector:
    """Finds the one white square in a dark picture, as an exact box; counts its passes."""

    def __init__(self) -> None:
        self.passes = 0

    def detect(self, image):
        self.passes += 1
        rows, columns = np.nonzero(image[..., 0] > 128)
        if not len(rows):
            return Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32))
        box = [columns.min(), rows.min(), columns.max(), rows.max()]
        return Detections(np.array([box], np.float32), np.ones(1, np.float32))


def square(height: int, width: int, left: int, top: int, side: int) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[top : top + side, left : left + side] = 255
    return image


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    known = Landmarker("fkp68-base-int8", threads=1)
    known.spec = dataclasses.replace(known.spec, reliable_score=0.45)
    return known


def test_boxes_of_rotated_copies_come_back_to_the_picture():
    found = detect_rotated(CornerDetector(), square(60, 100, 70, 10, 20))
    np.testing.assert_array_equal(found.boxes, [[70, 10, 89, 29]])


def test_tiles_find_what_one_pass_over_a_large_picture_loses():
    detector = CornerDetector()
    image = square(1500, 2000, 1203, 777, 30)
    found = detect_tiled(detector, image)
    np.testing.assert_allclose(found.boxes, [[1203, 777, 1232, 806]], atol=0.5)
    assert detector.passes < 40
    assert detect_tiled(CornerDetector(), square(300, 400, 5, 5, 40)).boxes.tolist() == [[5, 5, 44, 44]]


def test_a_small_face_before_a_large_one_is_a_face_of_its_own():
    large, small, same = [0, 0, 100, 100], [10, 60, 40, 90], [5, 5, 95, 95]
    boxes, scores = np.array([large, small, same], float), np.array([0.9, 0.8, 0.7])
    merged, _ = merge_boxes(boxes, scores, 0.65)
    assert len(merged) == 2
    assert one_face(large, [small, same])[0].tolist() == [0, 1]


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_rotated_faces_get_the_landmarks_of_the_upright_one(landmarker, rotation):
    image = load_image(PORTRAIT)
    (upright,) = landmarker(image)
    (face,) = landmarker(np.ascontiguousarray(cv2.rotate(image, rotation)))
    height, width = image.shape[:2]
    x, y = face.points.T
    back = {
        cv2.ROTATE_90_CLOCKWISE: (y, height - 1 - x),
        cv2.ROTATE_180: (width - 1 - x, height - 1 - y),
        cv2.ROTATE_90_COUNTERCLOCKWISE: (width - 1 - y, x),
    }[rotation]
    size = np.sqrt(np.prod(upright.box[2:] - upright.box[:2]))
    distances = np.linalg.norm(np.stack(back, axis=1) - upright.points, axis=1)
    assert distances.mean() < 0.02 * size
    assert face.reliable


def test_given_boxes_of_a_rotated_face_are_enough(landmarker):
    image = np.ascontiguousarray(np.rot90(load_image(PORTRAIT), 2))
    (face,) = landmarker(image)
    (again,) = landmarker.analyze(image, [face.box]).faces
    np.testing.assert_allclose(again.points, face.points, atol=1)


def test_what_is_no_face_is_marked(landmarker):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    boxes = [[20, 20, 120, 120], [60, 60, 190, 190]]
    assert [face.reliable for face in landmarker.analyze(noise, boxes).faces] == [False, False]


def test_a_model_without_a_limit_gives_no_verdict(landmarker):
    plain = Landmarker("fkp68-base-int8", threads=1)
    plain.spec = dataclasses.replace(plain.spec, reliable_score=None)
    (face,) = plain(load_image(PORTRAIT))
    assert face.reliable is None


def test_thorough_search_finds_a_face_of_24_pixels_in_a_large_picture():
    portrait = load_image(PORTRAIT)
    (face,) = Landmarker(threads=1)(portrait)
    scale = 30 / float((face.box[2:] - face.box[:2]).max())
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = np.full((2000, 3000, 3), 110, np.uint8)
    image[900 : 900 + len(small), 2100 : 2100 + small.shape[1]] = small
    (found,) = Landmarker(threads=1, search="thorough")(image)
    box = points_box((face.points + 0.5) * scale - 0.5 + [2100, 900])
    assert box_iou(box, found.box)[0, 0] > 0.5


def test_an_unknown_search_is_refused():
    with pytest.raises(UsageError, match="fast, thorough"):
        Landmarker(search="slow")
