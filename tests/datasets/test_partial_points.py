"""Readers of faces of which some points are not annotated: MERL-RAV in both layouts, and CFP's profiles."""

import json
import shutil

import numpy as np
import pytest
from fake_data import CFP, MERL_RAV, hide, make_face, write_image

from fkp.datasets import as_scheme, load
from fkp.datasets.inventory import check, find_sources
from fkp.datasets.merl_rav import decode_signs, photo_number, read_merl_rav
from fkp.datasets.sample import COVERED, HIDDEN, VISIBLE
from fkp.errors import DataError
from fkp.geometry import annotated_box, points_box

JAW = slice(9, 17)


@pytest.fixture
def root(fake_root):
    return fake_root()


def test_points_that_the_head_hides_are_nan_and_the_others_give_the_box(root):
    (sample,) = load("merl-rav-train", root)
    assert np.isnan(sample.points[JAW]).all()
    seen = np.delete(sample.points, JAW, axis=0)
    np.testing.assert_array_equal(sample.box, points_box(seen))
    assert sample.state.tolist() == [COVERED, *[VISIBLE] * 8, *[HIDDEN] * 8, *[VISIBLE] * 51]
    assert (sample.pose, sample.yaw, sample.group) == ("righthalf", None, "image00001")
    assert not sample.is_complete
    assert as_scheme(sample, "nose1").is_complete
    assert as_scheme(sample, "nose1").state.tolist() == [VISIBLE]


def test_cfp_is_split_by_person_and_has_no_states(root):
    (training,), (validation,) = load("cfp-train", root), load("cfp-val", root)
    assert (training.group, validation.group) == ("001", "010")
    assert training.state is None
    assert training.pose == "left"  # the file says that its right half is seen
    assert np.isnan(training.points[JAW]).all()


def change(root, folder=MERL_RAV, **changes):
    """Change the first line of a folder's labels; None takes a field away."""
    file = root / folder / "labels.jsonl"
    first, *rest = file.read_text().splitlines()
    row = json.loads(first) | changes
    row = {name: value for name, value in row.items() if value is not None}
    file.write_text("\n".join([json.dumps(row), *rest]) + "\n")
    return file


POINTS = [[float(i), float(i % 7)] for i in range(68)]
BROKEN_LINES = {
    "no points": ({"points": None}, "the line has no 'points'"),
    "too few": ({"points": POINTS[:67]}, "68 points are wanted, not 67"),
    "one number": ({"points": [[1.0], *POINTS[1:]]}, "in lists of equal lengths"),
    "text": ({"points": ["here", *POINTS[1:]]}, "in lists of equal lengths"),
    "infinite": ({"points": [[float("inf"), 1.0], *POINTS[1:]]}, "a number above 1e\\+09"),
    "half a point": ({"points": [[float("nan"), 1.0], *POINTS[1:]]}, "not a finite number"),
    "hardly any": ({"points": [POINTS[0], *[None] * 67]}, "fewer than two points are annotated"),
    "far away": ({"points": [[9e4, 1.0], *POINTS[1:]]}, "picture's size away"),
    "pose": ({"pose": "sideways"}, "the pose must be one of frontal"),
    "picture": ({"image": "images/image00099.jpg"}, "is missing"),
    "outside": ({"image": "../imm_face_db/image00001.jpg"}, "outside"),
    "number": ({"image": "images/nobody.jpg"}, "is missing"),
    "state count": ({"state": [0] * 67}, "state must be 68 numbers"),
    "state kind": ({"state": [7] * 68}, "each 0, 1 or 2"),
    "state against points": ({"state": [0] * 68}, "null where its state says that the head hides it"),
    "yaw": ({"yaw_deg": "left"}, "'yaw_deg' cannot be a str"),
}


@pytest.mark.parametrize("case", BROKEN_LINES)
def test_broken_lines_are_reported_with_file_and_line(root, case):
    changes, words = BROKEN_LINES[case]
    file = change(root, **changes)
    with pytest.raises(DataError, match=words) as caught:
        load("merl-rav-train", root)
    assert (caught.value.file, caught.value.line) == (file, 1)
    problems = []
    assert load("merl-rav-train", root, problems.append) == []
    assert [str(problem) for problem in problems] == [str(caught.value)]


@pytest.mark.parametrize("line", ["{", "[]", "\xff"])
def test_lines_that_are_no_objects(root, line):
    file = root / CFP / "labels.jsonl"
    file.write_text(file.read_text() + line + "\n", encoding="latin-1")
    with pytest.raises(DataError) as caught:
        load("cfp-train", root)
    assert caught.value.line == 3


def test_signs_of_the_authors_files():
    points, state = decode_signs(np.array([[3.5, 4], [-3.5, -4], [-1, -1]]))
    np.testing.assert_array_equal(points, [[3.5, 4], [3.5, 4], [np.nan, np.nan]])
    assert state.tolist() == [VISIBLE, COVERED, HIDDEN]
    with pytest.raises(ValueError, match="one negative coordinate"):
        decode_signs(np.array([[3.0, -4.0]]))


def test_photo_numbers():
    assert photo_number("images/0002-image04733.jpg") == photo_number("image04733_2.pts") == "image04733"
    with pytest.raises(ValueError, match="no number of a photo"):
        photo_number("nobody.jpg")


def write_authors_file(path, points, covered=0):
    """A `.pts` file of MERL-RAV's: hidden points are (-1, -1), the covered one is negative."""
    rows = [(-1, -1) if p is None else p for p in hide(points)]
    rows[covered] = [-rows[covered][0], -rows[covered][1]]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{x} {y}\n" for x, y in rows)
    path.write_text(f"version: 1\nn_points:  68\n{{\n{lines}}}\n")


@pytest.mark.parametrize("organized", [True, False])
def test_the_authors_layout(tmp_path, rng, organized):
    folder = tmp_path / MERL_RAV
    image, points = make_face(rng)
    labels = folder / ("merl_rav_organized" if organized else "merl_rav_labels/") / "right/trainset"
    labels = labels if organized else labels / "labels"
    write_authors_file(labels / "image00020_1.pts", points)
    write_authors_file(labels.parents[1 - organized] / "testset/image00007.pts", points)
    for name in ("image00020_1", "image00007"):
        photo = folder / "aflw/flickr/2" / f"{name.partition('_')[0]}.jpg"
        beside = next(labels.parents[2 - organized].rglob(f"{name}.pts")).with_suffix(".jpg")
        write_image(beside if organized else photo, image)
    (sample,) = read_merl_rav(folder, "train")
    np.testing.assert_allclose(
        np.delete(sample.points, JAW, axis=0), np.delete(points, JAW, axis=0), atol=6e-3
    )
    assert sample.state.tolist() == [COVERED, *[VISIBLE] * 8, *[HIDDEN] * 8, *[VISIBLE] * 51]
    assert (sample.pose, sample.group) == ("right", "image00020")
    assert [s.group for s in read_merl_rav(folder, "test")] == ["image00007"]
    (source,) = find_sources(tmp_path)
    finding = check(source)
    assert (source.layout, len(finding.samples), finding.problems) == ("MERL-RAV .pts", 2, [])
    sample.image.unlink()
    problems = []
    assert list(read_merl_rav(folder, "train", problems.append)) == []
    assert "its picture is neither beside it nor image00020.jpg in aflw/flickr/0" in str(problems[0])


def test_a_folder_without_either_layout(root):
    shutil.rmtree(root / MERL_RAV)
    (root / MERL_RAV).mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds neither labels\.jsonl nor merl_rav_organized"):
        load("merl-rav-test", root)


@pytest.mark.parametrize(("train", "val", "count"), [("merl-rav", "merl-rav", 2762), ("cfp", "cfp", 863)])
def test_real_splits_share_no_photo_or_person(real_faces, train, val, count):
    training, validation = real_faces(f"{train}-train"), real_faces(f"{val}-val")
    assert len(training) + len(validation) == count
    assert 0.07 < len(validation) / count < 0.15
    assert not {s.group for s in training} & {s.group for s in validation}


def test_real_test_side(real_faces):
    test = real_faces("merl-rav-test")
    assert len(test) == 479
    known = {s.group for s in real_faces("merl-rav-train") + real_faces("merl-rav-val")}
    assert not known & {s.group for s in test}
    assert sum(s.yaw is not None for s in test) == 186


def test_real_poses_say_where_the_face_looks(real_faces):
    """A head turned to its own right faces the left of the picture and hides the right half of the jaw."""
    for name in ("merl-rav-test", "cfp-train"):
        for sample in real_faces(name):
            hidden = np.isnan(sample.points[:, 0])
            if sample.pose in ("left", "right") and hidden[:8].sum() != hidden[9:17].sum():
                assert (hidden[:8].sum() > hidden[9:17].sum()) == (sample.pose == "right"), sample.id
                assert sample.yaw is None or (sample.yaw < 0) == (sample.pose == "right"), sample.id
            np.testing.assert_array_equal(sample.box, annotated_box(sample.points))
