"""Face detection on a real face, from several threads, and where there is none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from fkp import letterbox
from fkp.errors import ModelError, UsageError
from fkp.geometry import box_iou
from fkp.images import load_image
from fkp.runtime.detectors import DETECTORS, HAAR_BOX, FkpDetector, get_detector
from fkp.runtime.folders import models_folder

ASTRONAUT = Path(__file__).parents[2] / "demo" / "examples" / "eileen-collins.jpg"
FACE = [96.0, 90, 172, 178]  # in the part of the picture that is searched: brows to chin, ear to ear


@pytest.fixture(scope="module")
def detector():
    return get_detector("haar")


@pytest.fixture(scope="module")
def astronaut():
    return np.ascontiguousarray(load_image(ASTRONAUT)[:300, 90:390])


def test_finds_a_face(detector, astronaut):
    found = detector.detect(astronaut)
    assert found.boxes.dtype == found.scores.dtype == np.float32
    assert box_iou(found.boxes[:1], FACE)[0, 0] > 0.7
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_scale_of_the_picture_does_not_matter(detector, astronaut, scale):
    picture = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert box_iou(detector.detect(picture).boxes[:1] / scale, FACE)[0, 0] > 0.6


def test_two_faces(detector, astronaut):
    found = detector.detect(np.hstack([astronaut, astronaut]))
    width = astronaut.shape[1]
    both = np.add(FACE, [[0, 0, 0, 0], [width, 0, width, 0]])
    assert (box_iou(both, found.boxes).max(axis=1) > 0.6).all()


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 400, 3), (300, 200, 3)])
def test_no_face(detector, shape):
    found = detector.detect(np.full(shape, 90, np.uint8))
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0,)


def test_raw_boxes_are_what_the_map_is_fitted_to(detector, astronaut):
    boxes, scores = detector.raw_boxes(astronaut)
    np.testing.assert_allclose(HAAR_BOX(boxes), detector.detect(astronaut).boxes, rtol=1e-5)
    np.testing.assert_array_equal(scores, detector.detect(astronaut).scores)


def test_threads_share_a_detector(detector, astronaut):
    pictures = [astronaut, astronaut[:, ::-1].copy(), np.zeros_like(astronaut)] * 2
    alone = [detector.detect(picture).boxes for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = [found.boxes for found in pool.map(detector.detect, pictures)]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_unknown_detector_names_the_known():
    with pytest.raises(UsageError, match=f"unknown face detector 'eyes'; known: {', '.join(DETECTORS)}"):
        get_detector("eyes")


def test_an_own_file_is_taken_and_another_network_is_none():
    exported = models_folder()
    assert isinstance(get_detector(str(exported / "detectors" / "fkp-detector.onnx")), FkpDetector)
    with pytest.raises(ModelError, match=r"report000-nose\.onnx is no face detector, neither ours nor YuNet"):
        get_detector(str(exported / "report000-nose.onnx"))


def test_a_detector_that_fails_says_so(monkeypatch):
    detector = FkpDetector(threads=1)
    monkeypatch.setattr(letterbox, "STEP", 7)  # no size that the network takes
    with pytest.raises(ModelError, match=r"the face detector .* failed on pixels"):
        detector.detect(np.zeros((50, 50, 3), np.uint8))
