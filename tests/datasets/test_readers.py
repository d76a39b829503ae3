"""The readers and the catalog on sound, made-up data."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_data import HELEN, IBUG, IMM, TEST_XML, TRAIN_XML, YTF, make_face
from PIL import Image

from fkp.datasets import DATASETS, DLIB_BOX, as_scheme, available, cache_folder, find_data_root, load
from fkp.datasets.box_fitting import fit_box_map
from fkp.datasets.dlib_xml import read_dlib_xml
from fkp.datasets.imm import read_asf
from fkp.datasets.loading import annotated_training_sets
from fkp.datasets.pseudo_labels import PseudoLabel, append_label, read_labels
from fkp.errors import DataError, UsageError
from fkp.geometry import BoxMap, annotated_box, points_box
from fkp.schemes import IBUG68, get_scheme


@pytest.fixture
def root(fake_root):
    return fake_root()


def test_every_data_set_loads(root):
    assert available(root) == list(DATASETS)
    counts = {name: len(load(name, root)) for name in DATASETS}
    assert counts["ibug-train"] + counts["ibug-val"] == 14
    assert counts["ytf-train"] + counts["ytf-val"] == 12
    assert min(counts.values()) > 0
    assert (counts["300w-common"], counts["300w-helen"], counts["300w-lfpw"]) == (2, 1, 1)
    assert (counts["kaggle-test"], counts["ytf-test"]) == (2, 2)
    assert (counts["imm-train"], counts["imm-val"]) == (3, 1)


def test_a_teacher_is_believed_where_it_is_sure_and_every_third_frame_is_enough(root, tmp_path, monkeypatch):
    (sure,) = load("helen-labelled", root)
    assert len(load("ytf-labelled", root)) == -(-len(list((root / YTF / "training").iterdir())) // 3)
    monkeypatch.setenv("FKP_LABELS", str(tmp_path / "labels.jsonl"))
    for score, confidence, size in ((0.7, 0.9, 1), (0.9, 0.5, 1), (0.9, 0.9, 0.1), (0.9, 0.9, 1)):
        face = PseudoLabel(score, confidence, sure.points * size, IBUG68.name)
        append_label(tmp_path / "labels.jsonl", f"{HELEN}/400_1.jpg", [face])
        assert len(load("helen-labelled", root)) == (score == confidence and size == 1)


def test_labeled_data_sets_need_the_labels(root, tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_LABELS", str(tmp_path / "nowhere.jsonl"))
    assert not {"helen-labelled", "ytf-labelled"} & set(available(root))
    with pytest.raises(
        FileNotFoundError, match=r"nowhere\.jsonl, which is not there; `python -m fkp data label`"
    ):
        load("helen-labelled", root)


@pytest.mark.parametrize("name", DATASETS)
def test_what_a_sample_holds(root, name):
    samples = load(name, root)
    assert len({sample.id for sample in samples}) == len(samples)
    for sample in samples:
        assert sample.scheme == DATASETS[name].scheme
        assert sample.image == root / DATASETS[name].folder / sample.id.partition("#")[0]
        if sample.points is not None:
            assert sample.points.shape == (get_scheme(sample.scheme).num_points, 2)
            assert sample.points.dtype == np.float64
            np.testing.assert_array_equal(sample.box, annotated_box(sample.points))


def test_points_are_those_that_were_written(root):
    _, points = make_face(np.random.default_rng(0))  # the factory's first face, with the same seed
    first = load("ibug-train", root)[0]
    np.testing.assert_allclose(first.points, points, atol=6e-4)
    left, top = points.min(axis=0).round() - 5
    assert first.given_box.tolist() == [left, top, left + 60, top + 60]
    (root / IBUG / "afw/100_1.pts").unlink()
    whole_pixels = next(read_dlib_xml(root / IBUG / TRAIN_XML, BoxMap()))
    np.testing.assert_array_equal(whole_pixels.points, points.round())


def test_pixels_show_the_points(root):
    """The drawn lines are dark: a shifted reader would find skin."""
    for name in ("300w-common", "imm-train", "ytf-train"):
        for sample in load(name, root):
            gray = np.asarray(Image.open(sample.image).convert("L"))
            x, y = sample.points.round().astype(int).T
            assert np.median(gray[y, x]) < 90


def test_contest_faces_without_points_have_a_mapped_box(root):
    with_points, without = load("kaggle-test", root)
    assert with_points.id == "lfpw/testset/image_0001.png"
    np.testing.assert_array_equal(with_points.box, points_box(with_points.points))
    assert without.points is None
    np.testing.assert_array_equal(without.box, DLIB_BOX(without.given_box)[0])


def test_boxes_of_the_common_faces_come_from_the_xml(root):
    assert all(sample.given_box is not None for sample in load("300w-common", root))
    (root / IBUG / TEST_XML).unlink()
    helen, lfpw = load("300w-common", root)
    assert helen.given_box is not None
    assert lfpw.given_box is None


def test_groups_and_splits(root):
    train, val = load("ibug-train", root), load("ibug-val", root)
    groups = {sample.id: sample.group for sample in train + val}
    assert groups["afw/100_1.jpg"] == groups["afw/100_2.jpg"] == "afw/100"
    assert groups["lfpw/trainset/image_0001.png"] == "lfpw/trainset/image_0001"
    assert not {sample.group for sample in train} & {sample.group for sample in val}
    assert not any("testset" in sample.id or "900" in sample.id for sample in train + val)
    persons = {sample.group for sample in load("ytf-train", root)}
    assert persons.isdisjoint(sample.group for sample in load("ytf-val", root))
    assert "A_Person0" in persons
    assert [sample.group for sample in load("imm-train", root)] == ["01", "01", "02"]


def test_several_boxes_in_one_picture(root):
    file = root / IBUG / TEST_XML
    box = "<box top='1' left='2' width='30' height='40'/>"
    file.write_text(file.read_text().replace("</image>", f"{box}</image>", 1))
    first, second, _ = load("kaggle-test", root)
    assert second.id == first.id + "#1"
    assert first.points is None, "the .pts could be either face's"
    assert second.given_box.tolist() == [2, 1, 32, 41]


def test_as_scheme(root):
    sample = load("imm-val", root)[0]
    assert as_scheme(sample, "imm58") is sample
    nose = as_scheme(sample, "nose1")
    np.testing.assert_array_equal(nose.points, sample.points[[52]])
    np.testing.assert_array_equal(nose.box, sample.box)
    assert nose.scheme == "nose1"
    assert as_scheme(load("kaggle-test", root)[1], "nose1").points is None
    with pytest.raises(UsageError, match="imm58 landmarks cannot be turned into ibug68"):
        as_scheme(sample, "ibug68")


def test_sides(root):
    sides = {name: dataset.side for name, dataset in DATASETS.items()}
    assert sides["ibug-val"] == sides["merl-rav-val"] == sides["imm-val"] == "validation"
    assert {name for name in sides if sides[name] == "test"} == {
        *("300w-common", "300w-helen", "300w-lfpw", "300w-challenging", "300w-full"),
        *("kaggle-test", "merl-rav-test", "wflw-test", "ytf-test"),
    }
    own = annotated_training_sets(root)
    assert own == ["ibug-train", "merl-rav-train", "cfp-train", "wflw-train", "ytf-train", "imm-train"]


def test_the_challenging_faces_are_offered_where_they_are(root):
    assert [s.id for s in load("300w-challenging", root)] == ["ibug/image_003_1.jpg"]
    assert len(load("300w-full", root)) == len(load("300w-common", root)) + 1
    shutil.rmtree(root / IBUG / "ibug")
    assert not {"300w-challenging", "300w-full"} & set(available(root))


def test_the_cache_needs_no_home_folder_where_its_place_is_set(tmp_path, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setenv("FKP_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FKP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "fkp"
    monkeypatch.delenv("XDG_CACHE_HOME")
    with pytest.raises(UsageError, match="set FKP_CACHE"):
        cache_folder()


ABSURD_LABELS = {
    "a million pixels away": (lambda p: p + 1e6, IBUG68.name, "picture's size away"),
    "another scheme": (lambda p: p[:58], "imm58", "ibug68 points are wanted, not imm58"),
    "on one spot": (lambda p: p * 0 + 5, IBUG68.name, "span no area"),
}


@pytest.mark.parametrize("kind", ABSURD_LABELS)
def test_absurd_labels_are_reported(root, tmp_path, monkeypatch, kind):
    change, scheme, words = ABSURD_LABELS[kind]
    (sure,) = load("helen-labelled", root)
    file = tmp_path / "labels.jsonl"
    monkeypatch.setenv("FKP_LABELS", str(file))
    append_label(file, f"{HELEN}/400_1.jpg", [PseudoLabel(0.9, 0.9, change(sure.points), scheme)])
    with pytest.raises(DataError, match=f"{HELEN}/400_1.jpg: .*{words}"):
        load("helen-labelled", root)
    problems = []
    assert load("helen-labelled", root, problems.append) == []
    assert len(problems) == 1


BROKEN_LABELS = {
    "three coordinates": (
        {"points": [[1.0, 2.0, 3.0]] * 68},
        r"points of x and y are wanted, not .*68, 3",
    ),
    "too few": ({"points": [[1.0, 2.0]] * 67}, "68 points are wanted, not 67"),
    "unknown scheme": ({"scheme": "wflw98"}, "unknown landmark scheme 'wflw98'"),
    "score": ({"score": 7}, "within 0 and 1, not 7"),
    "text": ({"confidence": "high"}, "'confidence' cannot be a str"),
    "none": ({"points": None}, "'points' cannot be a NoneType"),
    "NaN": ({"points": [[float("nan"), 2.0]] * 68}, "not a finite number"),
    "infinite": ({"points": [[1e400, 2.0]] * 68}, "must not hold a number above"),
}


@pytest.mark.parametrize("kind", BROKEN_LABELS)
def test_labels_of_wrong_types_are_refused(tmp_path, kind):
    changes, words = BROKEN_LABELS[kind]
    face = {"score": 0.9, "confidence": 0.9, "scheme": "ibug68", "points": [[1.0, 2.0]] * 68} | changes
    file = tmp_path / "labels.jsonl"
    file.write_text(json.dumps({"picture": "a.jpg", "faces": [face]}) + "\n")
    with pytest.raises(DataError, match=words):
        read_labels(file)
    problems = []
    assert read_labels(file, problems.append) == {}
    assert [problem.line for problem in problems] == [1]


def test_data_root(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FKP_DATA", raising=False)
    assert find_data_root().resolve() == root
    with pytest.raises(UsageError, match=r"the data root .*nowhere is not there"):
        find_data_root(tmp_path / "nowhere")
    monkeypatch.setenv("FKP_DATA", str(tmp_path / "nowhere"))
    assert find_data_root() is None
    assert find_data_root(root) == root


def test_what_is_not_there_is_said(root):
    with pytest.raises(UsageError, match=r"unknown data set 'helen'.*ibug-train"):
        load("helen", root)
    shutil.rmtree(root / IMM)
    assert "imm-val" not in available(root)
    with pytest.raises(FileNotFoundError, match=r"imm-val needs .*imm_face_db.*data get"):
        load("imm-val", root)


def test_asf_lines_with_more_fields(root):
    """Some of the database's files carry three more numbers in each line."""
    file = root / IMM / "01-1m.asf"
    before, _ = read_asf(file)
    file.write_text(file.read_text().replace("\t1\n", "\t1\t0.00\t0.00\t0.00\n"))
    np.testing.assert_array_equal(read_asf(file)[0], before)


def test_fit_box_map(root, rng):
    samples = load("300w-common", root) + load("ytf-test", root)
    habit = BoxMap(left=-0.1, top=-0.3, right=0.2, bottom=0.1)
    found = [np.stack([[500, 500, 520, 520], habit(sample.box)[0]]) for sample in samples]
    found[0] = np.empty((0, 4))
    fitted, count = fit_box_map(samples, found)
    assert count == len(samples) - 1
    for sample, boxes in zip(samples[1:], found[1:], strict=True):
        np.testing.assert_allclose(fitted(boxes[1])[0], sample.box, atol=0.1)
    with pytest.raises(UsageError, match="nothing to fit"):
        fit_box_map(samples, [np.empty((0, 4))] * len(samples))
