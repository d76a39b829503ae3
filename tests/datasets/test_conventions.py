"""Labels of different sources: their shift to one side, and their annotators' styles."""

import numpy as np
import pytest
from fake_data import cartoon, make_face

from fkp.datasets.conventions import (
    face_frames,
    label_asymmetry,
    style_offsets,
    translate,
    typical_inter_ocular,
)
from fkp.geometry import mirror_points, points_box
from fkp.schemes import IBUG68
from fkp.training.augment import NO_AUGMENTATION, Augmentation, augment

MIRROR = Augmentation(mirror=1.0)


def turned(points, degrees):
    angle = np.radians(degrees)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


@pytest.fixture
def faces():
    """(5, 68, 2) of one face at several tilts, and their boxes."""
    points = np.stack([turned(cartoon(IBUG68) * 100, degrees) for degrees in (-40, -10, 0, 10, 30)])
    return points, points_box(points)


def test_the_asymmetry_of_labels_is_their_mean_shift(faces):
    points, boxes = faces
    scale = typical_inter_ocular(boxes)
    labels = points + np.stack([0.01 * scale, 0 * scale], axis=1)[:, None]
    labels[0, :20] = np.nan
    found = label_asymmetry(labels, points, scale)
    assert found.shift == pytest.approx(1)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.faces == 5


def test_translation_removes_the_mean_offset_whatever_the_tilt(faces):
    predictions, boxes = faces
    style = np.random.default_rng(0).normal(0, 0.02, (68, 2))
    style = (style + style[list(IBUG68.mirror)] * [-1, 1]) / 2
    labels = predictions - np.einsum("nij,kj->nki", face_frames(predictions, boxes), style)
    labels[1, 40:] = np.nan
    found = style_offsets(labels, predictions, boxes, IBUG68.mirror)
    np.testing.assert_allclose(found, style, atol=1e-12)
    moved = translate(labels, predictions, boxes, found)
    assert np.isnan(moved[1, 40:]).all()
    np.testing.assert_allclose(moved[2:], predictions[2:], atol=1e-9)


def test_translation_leaves_a_shift_to_one_side(faces):
    predictions, boxes = faces
    upright = predictions[2:3], boxes[2:3]
    offsets = style_offsets(upright[0] - [3, 0], *upright, IBUG68.mirror)
    np.testing.assert_allclose(offsets, 0, atol=1e-12)


@pytest.mark.parametrize("rotation", [0, 25])
def test_mirrored_labels_keep_their_shift_to_the_right(rng, rotation):
    """Symmetric points p with labels p + d: in the mirrored crop the labels are mirror(p) + d again."""
    image, points = make_face(rng)
    box, size, shift = points_box(points), (96, 96), 2.5
    plain = Augmentation(rotation=rotation)
    _, right = augment(np.random.default_rng(1), image, points, box, size, 1.2, IBUG68.mirror, plain)
    mirroring = Augmentation(rotation=rotation, mirror=1.0)
    shifted = points + np.array([shift, 0])
    _, labels = augment(
        np.random.default_rng(1), image, shifted, box, size, 1.2, IBUG68.mirror, mirroring, shift
    )
    offset = labels - mirror_points(right, size[1], IBUG68.mirror)
    scale = np.linalg.norm(offset, axis=1)
    np.testing.assert_allclose(offset, offset[:1].repeat(68, axis=0), atol=1e-9)
    assert offset[0, 0] > 0.7 * scale[0] > 0
    if not rotation:
        np.testing.assert_allclose(offset[:, 1], 0, atol=1e-9)


def test_points_without_annotation_stay_without(rng):
    image, points = make_face(rng)
    points[3] = np.nan
    box = points_box(np.delete(points, 3, axis=0))
    for kind, index in ((NO_AUGMENTATION, 3), (MIRROR, IBUG68.mirror[3])):
        _, moved = augment(np.random.default_rng(0), image, points, box, (64, 64), 1.2, IBUG68.mirror, kind)
        assert np.flatnonzero(np.isnan(moved).any(axis=1)).tolist() == [index]
