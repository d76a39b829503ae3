"""The real data sets, where they are: counts, splits, and the conventions of their files."""

import numpy as np
import pytest
from defusedxml import ElementTree

from fkp.datasets import DATASETS, DLIB_BOX
from fkp.datasets.box_fitting import fit_box_map
from fkp.datasets.catalog import IBUG_FOLDER, IBUG_TRAIN_XML
from fkp.datasets.pts import read_pts
from fkp.geometry import box_iou
from fkp.schemes import get_scheme

COUNTS = {
    "300w-common": 554,
    "300w-helen": 330,
    "300w-lfpw": 224,
    "kaggle-test": 358,
    "ytf-test": 770,
    "imm-train": 192,
    "imm-val": 48,
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(real_faces, name):
    samples = real_faces(name)
    assert len(samples) == len({sample.id for sample in samples}) == COUNTS[name]
    assert all(sample.scheme == DATASETS[name].scheme for sample in samples)


@pytest.mark.parametrize(("family", "count"), [("ibug", 1730), ("ytf", 3462)])
def test_training_and_validation_share_no_group(real_faces, family, count):
    train, val = real_faces(f"{family}-train"), real_faces(f"{family}-val")
    assert len(train) + len(val) == count
    assert 0.07 < len(val) / count < 0.13
    assert not {sample.group for sample in train} & {sample.group for sample in val}


def test_test_faces_are_not_trained_on(real_faces):
    training = real_faces("ibug-train") + real_faces("ibug-val")
    common, contest = real_faces("300w-common"), real_faces("kaggle-test")
    assert not {s.id for s in training} & {s.id for s in common + contest}
    assert not {s.group for s in training} & {s.group for s in common}
    shared = {s.group for s in training} & {s.group for s in contest}
    # The contest's own split cut photos with several people: other faces of theirs are trained on.
    assert sum(s.group in shared for s in training) == 101
    assert not any(group.startswith("lfpw") for group in shared)


def test_contest_points(real_faces):
    samples = real_faces("kaggle-test")
    with_points = [sample for sample in samples if sample.points is not None]
    assert len(with_points) == 76
    assert all(s.id.startswith(("helen/testset/", "lfpw/testset/")) for s in with_points)


def test_common_faces_have_their_given_boxes(real_faces):
    samples = real_faces("300w-common")
    assert all(sample.given_box is not None for sample in samples)
    overlap = [box_iou(DLIB_BOX(s.given_box), s.box).item() for s in samples]
    assert np.median(overlap) > 0.75


def test_pts_files_count_from_one(data_root):
    """Their points minus one lie around the XML's whole pixels, off by rounding alone."""
    folder = data_root / IBUG_FOLDER
    offsets = []
    for image in ElementTree.parse(folder / IBUG_TRAIN_XML).getroot().findall("images/image")[::25]:
        parts = [(float(part.get("x")), float(part.get("y"))) for part in image.iter("part")]
        offsets.append(read_pts((folder / image.get("file")).with_suffix(".pts")) - parts)
    assert np.abs(np.mean(offsets, axis=(0, 1))).max() < 0.02
    assert np.abs(offsets).max() <= 0.5


def test_the_box_map_is_the_fitted_one(real_faces):
    samples = real_faces("ibug-train")
    fitted, count = fit_box_map(samples, (np.array([sample.given_box]) for sample in samples))
    assert fitted == DLIB_BOX
    assert count > 0.99 * len(samples)


@pytest.mark.parametrize("name", ["imm-train", "ytf-test", "300w-lfpw"])
def test_eyes_and_mouths_are_where_the_points_say(real_faces, name):
    """Regions are in the order of a face: eyes above the nose's tip, the mouth below it."""
    for sample in real_faces(name):
        scheme = get_scheme(sample.scheme)
        y = {region: sample.points[list(index), 1].mean() for region, index in scheme.regions.items()}
        assert max(y["right_eye"], y["left_eye"]) < y["mouth"]
