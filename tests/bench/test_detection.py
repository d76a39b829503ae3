"""The comparison of face detectors: its pictures, its counting, and one small run."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench.cache import Cache
from bench.candidates import find_candidates
from bench.commands import detect
from bench.detectors import DetectorCandidate
from bench.faces import TestSet
from bench.results import read_rows
from bench.rows import BoxesRow, DetectionRow
from bench.tasks import detection, end_to_end
from bench.tasks.detection import FoundFace, count_false
from bench.tasks.scenes import TITLES, Scene, SceneSet, scene_sets
from fkp.geometry import box_iou
from fkp.runtime.detectors import Detections


class _Fixed:
    """A detector with the same boxes for every picture."""

    def __init__(self, boxes) -> None:
        self._boxes = np.array(boxes, np.float32).reshape(-1, 4)

    def detect(self, image) -> Detections:
        return Detections(self._boxes, np.ones(len(self._boxes), np.float32))


def fixed(name: str, *boxes) -> DetectorCandidate:
    return DetectorCandidate(name, name, "own", partial(_Fixed, boxes))


def scene_set(*boxes, complete: bool = True) -> SceneSet:
    image = np.zeros((60, 80, 3), np.uint8)
    scene = Scene("x", image, np.array(boxes, float).reshape(-1, 4))
    return SceneSet("common", lambda: [lambda: scene], "0", None, complete, timed=True)


def test_recall_and_false_boxes_of_known_boxes(tmp_path):
    # The first box covers its face by 0.8, the second one by 0.4, the third one is on nothing.
    candidate = fixed("some", (0, 0, 10, 8), (20, 20, 30, 24), (50, 50, 60, 60))
    faces = ((0, 0, 10, 10), (20, 20, 30, 30), (40, 0, 50, 10))
    measured = detection.measure([candidate], scene_set(*faces), Cache(tmp_path))["some"]
    row = measured.row
    assert (row.pictures, row.faces, row.false_boxes) == (1, 3, 1)
    assert (row.recall35, row.recall50) == (pytest.approx(200 / 3), pytest.approx(100 / 3))
    assert row.iou == pytest.approx(0.6)
    assert [face.iou for face in measured.faces] == pytest.approx([0.8, 0.4, 0])
    assert measured.faces[0].box == (0, 0, 10, 8)


def test_false_boxes_are_unknown_where_not_every_face_is_known(tmp_path):
    open_set = scene_set((0, 0, 10, 10), complete=False)
    (measured,) = detection.measure([fixed("some", (0, 0, 10, 10))], open_set, Cache(tmp_path)).values()
    assert measured.row.false_boxes is None
    assert measured.row.recall50 == 100


def test_pictures_without_faces_have_no_recall(tmp_path):
    (measured,) = detection.measure([fixed("some", (0, 0, 9, 9))], scene_set(), Cache(tmp_path)).values()
    assert measured.row.recall35 is None
    assert measured.row.false_boxes == 1


def test_a_second_box_on_a_face_is_false_and_the_surest_takes_the_best():
    true = np.array([[0, 0, 10, 10], [8, 0, 18, 10]])
    assert count_false(box_iou(true, [[0, 0, 10, 10], [1, 0, 11, 10]])) == 1
    assert count_false(box_iou(true, [[0, 0, 10, 10], [8, 0, 18, 10]])) == 0
    assert count_false(np.empty((2, 0))) == 0


def test_a_detector_is_measured_once(tmp_path, monkeypatch):
    cache, scenes = Cache(tmp_path), scene_set((0, 0, 10, 10))
    first = detection.measure([fixed("some", (0, 0, 10, 10))], scenes, cache)
    rows = [first["some"].row]
    times = detection.with_times(rows, [fixed("some")], [scenes], True, cache)
    monkeypatch.setattr(detection, "_search", None)
    monkeypatch.setattr(detection, "_time", None)
    assert detection.measure([fixed("some", (5, 5, 6, 6))], scenes, cache) == first
    assert detection.with_times(rows, [fixed("some")], [scenes], True, cache) == times
    assert times[0].ms >= 0


@pytest.fixture
def sets(fake_root) -> dict[str, SceneSet]:
    return {s.name: s for s in scene_sets(fake_root()) if s.name != "things"}


def test_all_sets_are_made_and_repeat_themselves(sets):
    assert set(sets) == set(TITLES) - {"things"}
    for scene_set in sets.values():
        first, again = scene_set.scenes()[-1](), scene_set.scenes()[-1]()
        np.testing.assert_array_equal(first.image, again.image)
        np.testing.assert_array_equal(first.boxes, again.boxes)
        assert first.image.dtype == np.uint8


def test_every_listed_face_of_the_contest_is_there_with_and_without_points(sets):
    assert len(sets["contest"].scenes()) == 2
    assert len(sets["imm"].scenes()) == 4
    assert len(sets["imm-val"].scenes()) == 1


@pytest.mark.parametrize("size", [24, 32, 40])
def test_small_faces_have_their_size(sets, size):
    (make,) = sets[f"small-{size}"].scenes()
    scene = make()
    assert scene.image.shape == (480, 640, 3)
    np.testing.assert_allclose((scene.boxes[:, 2:] - scene.boxes[:, :2]).max(axis=1), size, rtol=0.03)
    for x0, y0, x1, y1 in scene.boxes:  # the cartoon's skin is as wide as its landmarks
        rows = scene.image[int(y0) : int(y1), int(x0) - 8 : int(x1) + 8, 0]
        columns = np.flatnonzero((rows > 180).any(axis=0)) + int(x0) - 8
        np.testing.assert_allclose((columns[0], columns[-1]), (x0, x1), atol=3)


def test_faces_of_a_mosaic_lie_in_their_boxes(sets):
    scene = sets["mosaic"].scenes()[0]()
    assert len(scene.boxes) == 2
    sides = (scene.boxes[:, 2:] - scene.boxes[:, :2]).max(axis=1)
    assert (sides > 38).all()
    assert (sides < 95).all()


@pytest.mark.parametrize("name", ["background", "shuffled"])
def test_pictures_without_faces_hold_none(sets, name):
    scene = sets[name].scenes()[0]()
    assert scene.boxes.shape == (0, 4)
    if name == "background":
        (face,) = sets["imm"].scenes()[0]().boxes
        assert scene.image.shape[1] <= 100 - (face[2] - face[0])
    else:
        whole = sets["turned-15"].scenes()[0]().image
        assert scene.image.shape == whole.shape


def test_the_boxes_of_a_detector_decide_on_the_landmarks(workspace, tmp_path):
    (candidate,), _ = find_candidates(["all68"], ["cpu"], 1)
    test_set = TestSet("300w-common", workspace / "data")
    true = [face.box.tolist() for face in test_set.faces]
    found = {
        "right": [FoundFace("", 1.0, tuple(box)) for box in true],
        "blind": [FoundFace("", 1.0, tuple(true[0])), FoundFace("", 0.1, tuple(true[1]))],
    }
    candidates = [fixed("right"), fixed("blind")]
    rows = end_to_end.measure(candidate, candidates, found, test_set, Cache(tmp_path / "c"))
    assert [(r.boxes, r.passes) for r in rows] == [
        (name, passes) for name in ("truth", "right", "blind") for passes in (1, 2)
    ]
    by_name = {(r.boxes, r.passes): r for r in rows}
    for passes in (1, 2):
        assert by_name["right", passes].nme == by_name["truth", passes].nme
        assert by_name["blind", passes].missed == 50
        assert by_name["blind", passes].fr8 >= 50


def test_the_command_writes_rows_and_single_faces(workspace, monkeypatch, capsys):
    monkeypatch.setattr(detect, "find_detectors", lambda yunet, baselines: [fixed("some", (0, 0, 50, 50))])
    from bench.__main__ import main

    words = ["detect", "--model", "all68", "--out", "out", "--results", "results"]
    assert main(words) == 0
    assert "some" in capsys.readouterr().out
    rows = {row.dataset: row for row in read_rows(Path("results"), DetectionRow)}
    assert set(rows) >= set(TITLES) - {"things"}
    assert rows["contest"].ms >= 0
    assert rows["dark"].ms is None
    assert {row.boxes for row in read_rows(Path("results"), BoxesRow)} == {"truth", "some"}
    assert len(Path("out/detect/imm_some.csv").read_text().splitlines()) == 1 + 4
