import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fkp import geometry as g
from fkp.schemes import SCHEMES

coordinate = st.floats(-2000, 4000)
side = st.floats(5, 2000)
boxes = st.builds(lambda x, y, w, h: np.array([x, y, x + w, y + h]), coordinate, coordinate, side, side)
crops = st.tuples(st.integers(16, 256), st.integers(16, 256))


def blob(size, center, sigma):
    """A white spot on black, in the middle of sub-pixel place `center`."""
    y, x = np.mgrid[: size[0], : size[1]]
    spot = np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * sigma**2))
    return (spot * 255).round().astype(np.uint8)


def centroid(image):
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(image * x).sum(), (image * y).sum()]) / image.sum()


def test_box_of_points():
    assert g.points_box([[3, 9], [1, 5], [2, 7]]).tolist() == [1, 5, 3, 9]
    assert g.points_box(np.zeros((4, 68, 2))).shape == (4, 4)
    assert g.box_diagonal([0, 0, 3, 4]) == 5


def test_iou_by_hand():
    a = [[0, 0, 2, 2], [5, 5, 6, 6]]
    b = [[1, 1, 3, 3], [0, 0, 2, 2], [2, 0, 4, 2]]
    np.testing.assert_allclose(g.box_iou(a, b), [[1 / 7, 1, 0], [0, 0, 0]])


def test_crop_transform_by_hand():
    """A 40 x 20 box with margin 2 shows an 80-pixel square in 160 pixels: scale 2."""
    matrix = g.crop_transform([10, 10, 50, 30], (160, 160), margin=2)
    np.testing.assert_allclose(matrix, [[2, 0, 79.5 - 60], [0, 2, 79.5 - 40], [0, 0, 1]])


def test_a_wide_crop_shows_more_at_the_sides():
    matrix = g.crop_transform([0, 0, 10, 10], (20, 40))
    np.testing.assert_allclose(g.transform_points(matrix, [[0, 0], [10, 10]]), [[9.5, -0.5], [29.5, 19.5]])


@given(boxes, crops, st.floats(0.5, 3), st.floats(-180, 180))
def test_crop_and_back(box, size, margin, angle):
    matrix = g.crop_transform(box, size, margin, angle)
    points = box.reshape(2, 2)
    there = g.transform_points(matrix, points)
    np.testing.assert_allclose(g.transform_points(g.invert(matrix), there), points, atol=1e-6)
    np.testing.assert_allclose(g.from_unit(g.to_unit(there, size), size), there, atol=1e-6)
    center = g.transform_points(matrix, (box[:2] + box[2:]) / 2)
    np.testing.assert_allclose(g.to_unit(center, size), [0.5, 0.5], atol=1e-6)


def test_inverse():
    """Of a transform with perspective as of one without; of one that flattens there is none."""
    for last in ([0, 0, 1], [0.001, -0.002, 0.9]):
        matrix = np.array([[2, -0.5, 3], [0.25, 1.5, -4], last])
        np.testing.assert_allclose(g.invert(matrix) @ matrix, np.eye(3), atol=1e-12)
    with pytest.raises(np.linalg.LinAlgError):
        g.invert([[1, 2, 0], [2, 4, 0], [0, 0, 1]])


@given(boxes, st.floats(-90, 90))
def test_a_turned_crop_levels_a_tilted_face(box, angle):
    """Eyes on a line that falls to the right by `angle`, a clockwise tilt, lie level in the crop."""
    matrix = g.crop_transform(box, (64, 64), angle=angle)
    along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * 10
    center = (box[:2] + box[2:]) / 2
    right_eye, left_eye = g.transform_points(matrix, [center - along, center + along])
    assert left_eye[0] > right_eye[0]
    assert left_eye[1] == pytest.approx(right_eye[1], abs=1e-6)


@pytest.mark.parametrize(
    "box", [[0, 0, 0, 5], [0, 5, 5, 5], [3, 0, 1, 5], [0, 0, np.nan, 5], [0, 0, np.inf, 1], [1, 2, 3], None]
)
def test_impossible_boxes_are_refused(box):
    with pytest.raises(ValueError, match="face box"):
        g.crop_transform([np.nan] * 4 if box is None else box, (8, 8))


@pytest.mark.parametrize("angle", [0, 30, -100])
@pytest.mark.parametrize("margin", [0.7, 1.3])
def test_a_spot_lands_where_the_points_say(angle, margin):
    where = np.array([70.3, 55.8])
    matrix = g.crop_transform([40, 30, 100, 90], (96, 96), margin, angle)
    crop = g.warp(blob((120, 140), where, 3), matrix, (96, 96))
    np.testing.assert_allclose(centroid(crop), g.transform_points(matrix, where), atol=0.05)


def test_a_spot_lands_where_the_points_say_in_perspective():
    where = np.array([70.3, 55.8])
    corners = np.float32([[20, 20], [110, 30], [120, 100], [30, 90]])
    matrix = cv2.getPerspectiveTransform(corners, np.float32([[0, 0], [95, 0], [95, 95], [0, 95]]))
    crop = g.warp(blob((120, 140), where, 3), matrix, (96, 96))
    np.testing.assert_allclose(centroid(crop), g.transform_points(matrix, where), atol=0.1)


@pytest.mark.parametrize("shrink", [3, 8, 20])
def test_strong_shrinking_keeps_the_place(shrink):
    side = 32 * shrink
    where = np.array([side * 0.43 + 0.3, side * 0.61 + 0.7])
    matrix = g.crop_transform([0, 0, side - 1, side - 1], (32, 32))
    crop = g.warp(blob((side, side), where, 2.5 * shrink), matrix, (32, 32))
    np.testing.assert_allclose(centroid(crop), g.transform_points(matrix, where), atol=0.05)


@pytest.mark.parametrize("shrink", [2, 5, 8])
def test_strong_shrinking_is_an_area_average(rng, shrink):
    """With the crop's pixels on whole blocks of the picture's, each one is its block's mean."""
    image = rng.integers(0, 256, (24 * shrink, 24 * shrink, 3), dtype=np.uint8)
    side = 24 * shrink
    matrix = g.crop_transform([-0.5, -0.5, side - 0.5, side - 0.5], (24, 24))
    blocks = image.reshape(24, shrink, 24, shrink, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(g.warp(image, matrix, (24, 24)), blocks, atol=1)


def test_outside_of_the_picture_its_border_is_repeated():
    image = np.full((20, 20, 3), 50, np.uint8)
    assert (g.warp(image, g.crop_transform([-30, -30, 0, 0], (16, 16)), (16, 16)) == 50).all()


@given(boxes, st.tuples(*[st.floats(-0.4, 0.4)] * 4))
def test_box_map_fit_finds_the_map(box, shifts):
    wanted = g.BoxMap(*(round(shift, 4) for shift in shifts))
    source = np.stack([box, box + 7, box * 1.5])
    fitted = g.BoxMap.fit(source, wanted(source))
    np.testing.assert_allclose(fitted(source), wanted(source), atol=0.5)


def test_box_map_by_hand():
    np.testing.assert_allclose(g.BoxMap(0.1, 0.2, -0.1, 0.5)([[0, 0, 10, 20]]), [[1, 4, 9, 30]])


@pytest.mark.parametrize("name", SCHEMES)
def test_mirroring_twice_changes_nothing(rng, name):
    points = rng.uniform(0, 100, (3, SCHEMES[name].num_points, 2))
    once = g.mirror_points(points, 101, SCHEMES[name].mirror)
    np.testing.assert_allclose(g.mirror_points(once, 101, SCHEMES[name].mirror), points)


def test_a_mirrored_spot_lands_where_the_points_say():
    image = blob((40, 61), (12.25, 20), 3)
    mirrored = g.mirror_points([[12.25, 20]], 61, [0])
    np.testing.assert_allclose(centroid(image[:, ::-1]), mirrored[0], atol=0.02)
    assert np.array_equal(g.warp(image, g.mirror_transform(61), image.shape), image[:, ::-1])


def test_level_box_frames_a_tilted_face_like_the_upright_one(rng):
    upright = rng.uniform(-40, 40, (20, 2)) * (1, 1.4)
    size, margin = (64, 64), 1.3
    wanted = g.transform_points(g.crop_transform(g.points_box(upright), size, margin), upright)
    for angle in (-70.0, -20.0, 0.0, 33.0):
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        tilted = upright @ np.array([[cos, sin], [-sin, cos]]) + (200, 150)  # clockwise as seen
        matrix = g.crop_transform(g.level_box(tilted, angle), size, margin, angle)
        np.testing.assert_allclose(g.transform_points(matrix, tilted), wanted, atol=1e-9)


def test_overlapping_boxes_are_suppressed():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60], [0, 0, 9, 9]], float)
    assert g.suppress_overlaps(boxes, np.array([1, 3, 2, 0.5]), 0.3) == [1, 2]
    assert g.suppress_overlaps(np.empty((0, 4)), np.empty(0), 0.3) == []


def test_the_boxes_of_a_detectors_cells_become_faces():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [2, 2, 7, 7], [50, 50, 60, 60], [0, 0, 10, 10]], float)
    faces, scores = g.merge_boxes(boxes, np.array([0.9, 0.6, 0.7, 0.8, 0.1]), 0.5)
    # The first two agree, the third is inside of them, the last does not count.
    np.testing.assert_allclose(faces, [[0.4, 0, 10.4, 10], [50, 50, 60, 60]])
    np.testing.assert_allclose(scores, [0.9, 0.8])
    assert g.merge_boxes(np.empty((0, 4)), np.empty(0), 0.5)[0].shape == (0, 4)


@pytest.mark.parametrize("at", [0, 100, 39_900])
def test_very_long_pictures_are_warped_like_their_part(at):
    strip = np.random.default_rng(0).integers(0, 256, (60, 40_000, 3), dtype=np.uint8)
    low = max(0, at - 200)
    part = strip[:, low : at + 300]
    box = np.array([at, 10, at + 90, 50], np.float64)
    from_strip = g.warp(strip, g.crop_transform(box, (32, 32), 1.3, 10), (32, 32))
    from_part = g.warp(part, g.crop_transform(box - (low, 0, low, 0), (32, 32), 1.3, 10), (32, 32))
    np.testing.assert_allclose(from_strip.astype(int), from_part, atol=1)


def test_a_whole_very_long_picture_is_warped():
    strip = np.zeros((60, 80_000, 3), np.uint8)
    strip[:, 40_000:] = 200
    seen = g.warp(strip, g.crop_transform((0, 0, 80_000, 60), (64, 64)), (64, 64))
    assert seen[:, :31].max() == 0
    assert seen[:, 33:].min() == 200
