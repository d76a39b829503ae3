"""Aligned faces: where the published alignments have their points, and which faces are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from head_views import view

from fkp.errors import AlignmentError, UsageError
from fkp.geometry import transform_points
from fkp.runtime.alignment import (
    ARCFACE_POINTS,
    DLIB_PADDING,
    DLIB_POINTS,
    align,
    five_points,
    similarity,
)
from fkp.runtime.face import Face

IMAGE = np.zeros((300, 300, 3), np.uint8)

# dlib's chips of five points have the outer and inner corner of the left eye, those of the right eye, and the
# base of the nose here, in shares of a side without padding.
DLIB_FIVE = {
    45: (0.8595674595992, 0.2134981538014),
    42: (0.6460604764104, 0.2289674387677),
    36: (0.1205750620789, 0.2137274526848),
    39: (0.3340850613712, 0.2290642403242),
    33: (0.4901123135679, 0.6277975316475),
}


def face(points: np.ndarray, scheme: str = "ibug68") -> Face:
    points = points.astype(np.float32)
    return Face(points, np.ones(len(points), np.float32), np.zeros(4, np.float32), 1.0, scheme)


def turned(points: np.ndarray, angle: float, scale: float = 1.0) -> np.ndarray:
    cos, sin = math.cos(math.radians(angle)) * scale, math.sin(math.radians(angle)) * scale
    return (points - 150) @ np.array([[cos, sin], [-sin, cos]]) + 150


def head_with(targets: np.ndarray) -> np.ndarray:
    """The 68 points of a head whose five points lie at the targets."""
    points = view("ibug68")
    points = transform_points(similarity(five_points(points), targets), points)
    for indices, target in zip((range(36, 42), range(42, 48), [30], [48], [54]), targets, strict=True):
        indices = list(indices)
        points[indices] += target - points[indices].mean(axis=0)
    return points


def test_similarity_undoes_a_similarity():
    points = np.random.default_rng(0).normal(size=(7, 2))
    moved = 1.7 * points @ np.array([[0.6, 0.8], [-0.8, 0.6]]) + (3, -2)
    np.testing.assert_allclose(
        similarity(points, moved)[:2], [[1.02, -1.36, 3], [1.36, 1.02, -2]], atol=1e-12
    )


def test_similarity_does_not_mirror():
    points = np.random.default_rng(0).normal(size=(7, 2))
    assert np.linalg.det(similarity(points, points * (-1, 1))[:2, :2]) > 0
    with pytest.raises(AlignmentError, match="all in one place"):
        similarity(np.ones((5, 2)), points[:5])


@pytest.mark.parametrize("size", [112, 224])
@pytest.mark.parametrize(("angle", "scale"), [(0, 1.0), (40, 1.5), (-170, 0.7)])
def test_arcface_puts_the_five_points_where_they_were_published(size, angle, scale):
    points = turned(head_with(np.array(ARCFACE_POINTS) + 60), angle, scale)
    aligned = align(IMAGE, face(points), size)
    assert aligned.crop.shape == (size, size, 3)
    found = transform_points(aligned.matrix, five_points(points))
    np.testing.assert_allclose(found, np.array(ARCFACE_POINTS) * size / 112, atol=1e-3 * size / 112)


def test_arcface_reference_is_the_published_one():
    published = [38.2946, 51.6963, 73.5318, 51.5014, 56.0252, 71.7366, 41.5493, 92.3655, 70.7299, 92.2041]
    np.testing.assert_array_equal(np.ravel(ARCFACE_POINTS), published)


def test_dlib_has_its_points_where_its_own_chips_of_five_points_have_them():
    """The two references were published apart: both are 150 pixels with a padding of 0.25."""
    points = view("ibug68")
    reference = np.array(list(DLIB_POINTS.values())) * 120 + 70
    points[list(DLIB_POINTS)] = reference
    matrix = align(IMAGE, face(turned(points, 25)), 150, "dlib").matrix
    found = transform_points(matrix, turned(points, 25))
    side = 150 / (1 + 2 * DLIB_PADDING)
    for index, share in DLIB_FIVE.items():
        expected = (np.array(share) + DLIB_PADDING) * side - 0.5
        np.testing.assert_allclose(found[index], expected, atol=0.01 * side)


@pytest.mark.parametrize("angle", [0, 33, 180])
def test_ffhq_square_of_a_symmetric_face(angle):
    """Eyes 40 pixels apart, the mouth 50 below them: the square is 180 pixels wide, 5 below the eyes."""
    targets = np.array([(130, 150), (170, 150), (150, 175), (135, 200), (165, 200)], float)
    points = turned(head_with(targets), angle)
    aligned = align(IMAGE, face(points), 256, "ffhq")
    found = transform_points(aligned.matrix, five_points(points))
    unit = (found + 0.5) / 256
    np.testing.assert_allclose(
        unit[:2], [[0.5 - 20 / 180, 0.5 - 5 / 180], [0.5 + 20 / 180, 0.5 - 5 / 180]], atol=1e-4
    )
    np.testing.assert_allclose(unit[3:].mean(axis=0), [0.5, 0.5 + 45 / 180], atol=1e-4)


@pytest.mark.parametrize("template", ["arcface", "ffhq", "dlib"])
def test_a_turned_picture_gives_the_same_crop(template):
    rows, columns = np.mgrid[:300, :300]
    waves = 127 + 60 * np.sin(columns / 19) + 60 * np.cos(rows / 23)
    image = np.repeat(waves[..., None], 3, axis=2).astype(np.uint8)
    points = view("ibug68") * 0.4 + 90
    quarter = np.ascontiguousarray(np.rot90(image))
    on_quarter = np.stack([points[:, 1], 299 - points[:, 0]], axis=1)
    upright = align(image, face(points), 96, template).crop.astype(int)
    assert np.abs(align(quarter, face(on_quarter), 96, template).crop - upright).max() <= 2
    assert upright.std() > 20


def test_what_cannot_be_aligned_is_refused_with_the_reason():
    with pytest.raises(AlignmentError, match="turned aside by more than 60 degrees"):
        align(IMAGE, face(view("ibug68", yaw=75)))
    with pytest.raises(AlignmentError, match="needs the 68 points, not imm58"):
        align(IMAGE, face(view("imm58"), "imm58"))
    with pytest.raises(AlignmentError, match="less than 2 pixels apart"):
        align(IMAGE, face(np.zeros((68, 2))))
    hidden = view("ibug68")
    hidden[0] = np.nan
    with pytest.raises(AlignmentError, match="not known"):
        align(IMAGE, face(hidden))
    with pytest.raises(UsageError, match="unknown template 'vgg'; known: arcface, ffhq, dlib"):
        align(IMAGE, face(view("ibug68")), template="vgg")
    with pytest.raises(UsageError, match="at least 8 pixels"):
        align(IMAGE, face(view("ibug68")), size=0)
