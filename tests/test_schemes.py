import numpy as np
import pytest
from fake_data import cartoon

from fkp.errors import UsageError
from fkp.schemes import IBUG68, IMM58, SCHEMES, get_scheme

every_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)


@every_scheme
def test_regions_hold_every_point_once(scheme):
    assert sorted(i for region in scheme.regions.values() for i in region) == list(range(scheme.num_points))


@every_scheme
def test_mirror_is_an_involution(scheme):
    order = np.array(scheme.mirror)
    assert np.array_equal(order[order], np.arange(scheme.num_points))


@every_scheme
def test_mirror_swaps_the_sides(scheme):
    for name, region in scheme.regions.items():
        other = name.replace("right", "L").replace("left", "right").replace("L", "left")
        assert {scheme.mirror[i] for i in region} == set(scheme.regions[other])


@every_scheme
def test_nose_tip_is_a_nose_point_and_its_own_mirror(scheme):
    assert scheme.nose_tip in scheme.regions["nose"]
    assert scheme.mirror[scheme.nose_tip] == scheme.nose_tip


@every_scheme
def test_outlines_stay_in_their_region(scheme):
    for outline in scheme.outlines:
        assert set(outline.points) <= set(scheme.regions[outline.region])


@pytest.mark.parametrize("scheme", [IBUG68, IMM58], ids=lambda scheme: scheme.name)
def test_a_symmetric_face_is_its_own_mirror_image(scheme):
    face = cartoon(scheme)
    mirrored = (face * (-1, 1) + (1, 0))[list(scheme.mirror)]
    np.testing.assert_allclose(mirrored, face, atol=1e-9)


def test_outer_eye_corners_are_mirrors_of_each_other():
    right, left = IBUG68.outer_eye_corners
    assert (right, left) == (36, 45)
    assert IBUG68.mirror[right] == left
    assert right in IBUG68.regions["right_eye"]
    assert left in IBUG68.regions["left_eye"]


def test_known_indices():
    assert IBUG68.mirror[0] == 16
    assert IBUG68.mirror[48] == 54
    assert IBUG68.mirror[61] == 63
    assert IBUG68.mirror[67] == 65
    assert IMM58.mirror[47] == 57
    assert IBUG68.normalizer == "inter-ocular"
    assert IMM58.normalizer == "box diagonal"


def test_unknown_scheme_lists_the_known():
    with pytest.raises(UsageError, match=r"wflw98.*ibug68, imm58, nose1"):
        get_scheme("wflw98")


@pytest.mark.parametrize("name", ["ibug-val", "imm-train", "ytf-test"])
def test_real_faces_confirm_the_mirror_order(real_faces, name):
    """In the mirror image of the mean face, the point nearest to each one is the order's."""
    samples = real_faces(name)
    scheme = get_scheme(samples[0].scheme)
    mean = np.mean([(s.points - s.box[:2]) / (s.box[2:] - s.box[:2]) for s in samples], axis=0)
    mean -= mean.mean(axis=0)
    distances = np.linalg.norm(mean[:, None] - mean[None] * (-1, 1), axis=-1)
    assert tuple(distances.argmin(axis=1)) == scheme.mirror
    assert abs(mean[scheme.nose_tip, 0]) < 0.01
