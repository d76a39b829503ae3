"""Faces followed through frames: boxes from points, detection now and then, smoothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from onnx_models import make_spec, mean_shape, save_bright_dot_model, save_constant_model

from fkp import Landmarker
from fkp.runtime.detectors import Detections
from fkp.runtime.identities import Identities
from fkp.runtime.tracking import OneEuroFilter, Tracker

BLACK = np.zeros((200, 300, 3), np.uint8)
BOX = [100.0, 60, 180, 140]


class Script:
    """A detector that finds, in its n-th call, the n-th list of boxes; the last one from then on."""

    def __init__(self, *calls) -> None:
        self.calls = calls
        self.count = 0

    def detect(self, image):
        boxes = np.array(self.calls[min(self.count, len(self.calls) - 1)], np.float32).reshape(-1, 4)
        self.count += 1
        return Detections(boxes, np.full(len(boxes), 0.7, np.float32))


def steady_shape(margin: float) -> np.ndarray:
    """Points whose tight box is the box that they were predicted from."""
    shape = mean_shape("ibug68")
    low, high = shape.min(axis=0), shape.max(axis=0)
    return ((shape - low) / (high - low) - 0.5) / margin + 0.5


@pytest.fixture
def steady(tmp_path):
    return save_constant_model(tmp_path, make_spec(margin=1.4), steady_shape(1.4))


def track(path, script, frames: int, **options) -> list:
    tracker = Tracker(Landmarker(path, detector=script), **options)
    return [tracker.step(BLACK, time / 25) for time in range(frames)]


def test_detects_now_and_then_only(steady):
    script = Script([BOX])
    faces = track(steady, script, 31, detect_every=10)
    assert script.count == 4
    assert {len(found) for found in faces} == {1}
    np.testing.assert_allclose(faces[-1][0].box, BOX, atol=0.5)
    assert faces[-1][0].box_score == pytest.approx(0.7)


def test_looks_in_every_frame_while_there_is_no_face(steady):
    script = Script([])
    assert track(steady, script, 5) == [[]] * 5
    assert script.count == 5


def test_new_faces_join_and_keep_their_place(steady):
    other = [200, 60, 280, 140]
    faces = track(steady, Script([BOX], [other, BOX]), 4, detect_every=2)
    assert [len(found) for found in faces] == [1, 1, 2, 2]
    np.testing.assert_allclose(faces[-1][0].box, BOX, atol=0.5)
    np.testing.assert_allclose(faces[-1][1].box, other, atol=0.5)


def test_a_face_that_detection_misses_for_long_is_dropped(steady):
    faces = track(steady, Script([BOX], []), 8, detect_every=2)
    assert [len(found) for found in faces] == [1, 1, 1, 1, 1, 1, 0, 0]


def test_a_face_that_detection_misses_once_stays(steady):
    faces = track(steady, Script([BOX], [], [BOX]), 20, detect_every=2)
    assert {len(found) for found in faces} == {1}


@pytest.mark.parametrize(
    ("points", "scores", "box"),
    [
        (steady_shape(1.4), np.full(68, 0.1), BOX),
        (np.full((68, 2), 0.5), None, BOX),
        (steady_shape(1.4) * 0.3 + 0.35, None, BOX),
        (steady_shape(1.4) * 2.5 - 0.75, None, BOX),
        (steady_shape(1.4), None, [-90, 60, -10, 140]),
        (steady_shape(1.4), None, [10, 10, 15, 15]),
    ],
    ids=["low score", "collapsed", "shrunk", "grown", "left the picture", "tiny"],
)
def test_lost_faces_are_looked_for_at_once(tmp_path, points, scores, box):
    script = Script([box])
    path = save_constant_model(tmp_path, make_spec(margin=1.4), points, scores)
    assert track(path, script, 3) == [[]] * 3
    assert script.count == 3


def moving_dot(x: float, y: float) -> np.ndarray:
    rows, columns = np.mgrid[: BLACK.shape[0], : BLACK.shape[1]]
    light = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
    return np.repeat(np.round(light).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("scheme", ["ibug68", "nose1"])
def test_follows_a_moving_face_without_detecting_it(tmp_path, scheme):
    count = 68 if scheme == "ibug68" else 1
    shape = steady_shape(1.5) - 0.5 if count == 68 else np.zeros((1, 2))
    shape[min(30, count - 1)] = 0
    path = save_bright_dot_model(tmp_path, make_spec(scheme=scheme, margin=1.5), shape)
    tracker = Tracker(Landmarker(path, detector=Script([[60, 60, 140, 140]], [])), detect_every=1000)
    for number in range(40):
        x, y = 100 + 3 * number, 100 + number
        (face,) = tracker.step(moving_dot(x, y), number / 25)
        assert np.linalg.norm(face.points[min(30, count - 1)] - (x, y)) < 4


def test_two_tracks_on_one_face_become_one(tmp_path):
    path = save_bright_dot_model(tmp_path, make_spec(margin=1.5), steady_shape(1.5) - 0.5)
    tracker = Tracker(Landmarker(path, detector=Script([[60, 60, 140, 140], [110, 60, 190, 140]])))
    assert len(tracker.step(moving_dot(125, 100), 0)) == 1


class Dots:
    """Finds every dot that does not touch another one."""

    def detect(self, image):
        centers = cv2.connectedComponentsWithStats((image[..., 0] > 25).astype(np.uint8))[3]
        boxes = np.concatenate([centers[1:] - 30, centers[1:] + 30], axis=1).astype(np.float32)
        return Detections(boxes.reshape(-1, 4), np.full(len(boxes), 0.9, np.float32))


def watch(folder, *paths) -> list[dict[int, float]]:
    """For every frame, track -> x of its face; each path gives x and y of a dot by time, or None."""
    shape = steady_shape(1.5) - 0.5
    tracker = Tracker(
        Landmarker(save_bright_dot_model(folder, make_spec(margin=1.5), shape), detector=Dots())
    )
    frames = []
    for number in range(100):
        image = BLACK
        for light, path in zip((1, 0.25, 0.25), paths, strict=False):
            if (place := path(number / 25)) is not None:
                image = np.maximum(image, (light * moving_dot(*place)).astype(np.uint8))
        found = tracker.step(image, number / 25)
        frames.append({face.track: float((face.box[0] + face.box[2]) / 2) for face in found})
    return frames


@pytest.mark.parametrize("apart", [0, 6])
@pytest.mark.parametrize("speed", [50, 90])
def test_crossing_people_keep_their_numbers(tmp_path, apart, speed):
    frames = watch(tmp_path, lambda t: (40 + speed * t, 100), lambda t: (260 - speed * t * 0.95, 100 + apart))
    start, end = frames[10], frames[-1] if speed == 50 else frames[60]
    assert sorted(start) == sorted(end) == [0, 1]
    right = min(start, key=start.get)  # the face that moves to the right
    assert end[right] == max(end.values())


def test_people_who_only_come_near_keep_their_numbers(tmp_path):
    def bounce(t):
        return 40 * abs(t - 2) + 35

    frames = watch(tmp_path, lambda t: (150 - bounce(t), 100), lambda t: (150 + bounce(t), 100))
    assert {tuple(sorted(frame)) for frame in frames} == {(0, 1)}
    sides = [frame[0] < frame[1] for frame in frames]
    assert len(set(sides)) == 1


def test_nobody_takes_the_number_of_one_who_left(tmp_path):
    frames = watch(
        tmp_path,
        lambda t: (100 - 80 * t, 60),
        lambda t: (220, 140),
        lambda t: (100, 60) if t > 2.5 else None,
    )
    left = min(frames[5], key=frames[5].get)
    (stays,) = set(frames[5]) - {left}
    assert set(frames[50]) == {stays}
    assert len(frames[-1]) == 2
    assert left not in frames[-1]
    assert all(stays in frame for frame in frames)


def test_a_lost_face_is_known_again_where_its_motion_leads():
    def box(x):
        return np.array([x, 50, x + 40, 90])

    def lose_and_find(after: float, x: float) -> int:
        people = Identities()
        walker = people.enter(box(0), 0)
        for number in range(1, 26):
            (walker,) = people.follow([walker], [box(number * 4)], number / 25)  # 100 pixels a second
        people.lose(walker, 1)
        people.follow([], [], 1 + after - 0.01)
        return people.enter(box(x), 1 + after).number

    assert lose_and_find(0.4, 140) == 0
    assert lose_and_find(0.4, 60) == 1  # too far from where the motion leads
    assert lose_and_find(0.8, 180) == 1  # too late


def test_filter_calms_a_resting_face():
    rng = np.random.default_rng(0)
    smooth = OneEuroFilter()
    noisy = 100 + rng.normal(0, 0.5, (200, 68, 2))
    calm = np.stack([smooth(points, number / 30, 100) for number, points in enumerate(noisy)])
    jitter = [np.abs(np.diff(points[50:], axis=0)).mean() for points in (noisy, calm)]
    assert jitter[1] < 0.4 * jitter[0]


def test_filter_lags_little_behind_a_moving_face():
    smooth = OneEuroFilter()
    for number in range(60):
        truth = np.full((5, 2), 100 + number * 100 / 30)  # one face size a second
        lag = np.abs(smooth(truth, number / 30, 100) - truth).max()
    assert lag < 2.5


def test_filter_does_not_depend_on_scale():
    steps = np.random.default_rng(0).normal(0, 1, (20, 3, 2)).cumsum(axis=0)
    small, large = OneEuroFilter(), OneEuroFilter()
    for number, points in enumerate(steps):
        np.testing.assert_allclose(
            small(points, number / 30, 50) * 8, large(points * 8, number / 30, 400), rtol=1e-4, atol=1e-3
        )


def test_filter_starts_anew_when_time_stands_still_or_turns_back():
    smooth = OneEuroFilter()
    smooth(np.zeros((2, 2)), 1.0, 50)
    for time in (1.0, 0.5):
        np.testing.assert_array_equal(smooth(np.full((2, 2), 30.0), time, 50), 30)
