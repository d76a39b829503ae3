"""Drawings and files of faces."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx_models import mean_shape

from fkp.datasets.pts import read_pts
from fkp.geometry import points_box
from fkp.runtime.drawing import REGION_COLORS, Style, draw
from fkp.runtime.face import Face
from fkp.runtime.results import CSV_COLUMNS, SCHEMA_VERSION, ResultWriter, Source, record, to_csv, to_pts
from fkp.schemes import REGIONS, SCHEMES

GRAY = np.full((200, 240, 3), 128, np.uint8)


def make_face(scheme: str = "ibug68", size: float = 120, corner=(40, 30)) -> Face:
    points = (mean_shape(scheme) * size + corner).astype(np.float32)
    scores = np.linspace(0, 1, len(points), dtype=np.float32)
    box = np.array([*corner, corner[0] + size, corner[1] + size], np.float32)
    return Face(points, scores, box, 0.75, scheme)


def changed(image: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return (image != drawn).any(axis=2)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", [8, 60, 150, 1000])
def test_draws_every_scheme_at_every_size(scheme, size):
    image = np.full((int(size * 1.3), int(size * 1.4), 3), 128, np.uint8)
    face = make_face(scheme, size, (size * 0.2, size * 0.15))
    drawn = draw(image, [face])
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (image == 128).all()
    x, y = np.round(face.points).astype(int).T
    assert changed(image, drawn)[y, x].all()


def test_every_region_has_its_own_color():
    assert set(REGION_COLORS) == set(REGIONS)
    assert len(set(REGION_COLORS.values())) == len(REGIONS)


def test_dots_have_the_color_of_their_region():
    face = make_face(size=1000, corner=(50, 50))
    drawn = draw(np.full((1100, 1100, 3), 128, np.uint8), [face], Style(outlines=False))
    for region, indices in SCHEMES["ibug68"].regions.items():
        x, y = np.round(face.points[indices[0]]).astype(int)
        assert tuple(drawn[y, x]) == REGION_COLORS[region]


@pytest.mark.parametrize("part", ["points", "outlines", "indices", "box", "confidence"])
def test_each_part_can_be_switched(part):
    base = {"points": part == "confidence", "outlines": False}
    without = draw(GRAY, [make_face()], Style(**{**base, **({} if part == "confidence" else {part: False})}))
    with_it = draw(GRAY, [make_face()], Style(**{**base, part: True}))
    assert changed(without, with_it).any()


def test_nothing_to_draw_changes_nothing():
    np.testing.assert_array_equal(draw(GRAY, []), GRAY)
    np.testing.assert_array_equal(draw(GRAY, [make_face()], Style(points=False, outlines=False)), GRAY)


def test_small_faces_leave_the_rest_of_the_picture_as_it_was():
    image = np.random.default_rng(0).integers(0, 256, GRAY.shape, dtype=np.uint8)
    face = make_face(size=20, corner=(100, 80))
    rows, columns = np.nonzero(changed(image, draw(image, [face])))
    x0, y0, x1, y1 = points_box(face.points)
    assert x0 - 3 < columns.min()
    assert columns.max() < x1 + 3
    assert y0 - 3 < rows.min()
    assert rows.max() < y1 + 3


def test_dots_are_placed_between_pixels():
    def center(shift: float) -> float:
        face = make_face("nose1", 60, (90, 70))
        object.__setattr__(face, "points", np.array([[120 + shift, 100]], np.float32))
        light = np.abs(draw(GRAY, [face]).astype(float) - 128).sum(axis=(0, 2))
        return float((light * np.arange(len(light))).sum() / light.sum())

    assert center(0.5) - center(0) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("corner", [(-500, 20), (1e5, 1e5), (-60, -60), (-3e9, 3e9)])
@pytest.mark.parametrize("size", [30, 900])
def test_faces_outside_the_picture(corner, size):
    style = Style(indices=True, box=True)
    assert draw(GRAY, [make_face(size=size, corner=corner)], style).shape == GRAY.shape


def test_collapsed_face():
    face = make_face(size=0)
    assert changed(GRAY, draw(GRAY, [face])).any()


def test_pts_round_trips_with_the_reader(tmp_path):
    face = make_face()
    (tmp_path / "face.pts").write_text(to_pts(face))
    np.testing.assert_allclose(read_pts(tmp_path / "face.pts"), face.points, atol=5.1e-4)
    assert to_pts(face).startswith("version: 1\nn_points: 68\n{\n")


def test_csv_has_one_row_a_point():
    faces = [make_face(), replace(make_face("imm58"), track=7, visible=np.full(58, 0.25, np.float32))]
    rows = list(csv.DictReader(io.StringIO(to_csv(Source("a, b.jpg", (200, 240)), faces))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == 68 + 58
    names = ("image", "frame", "time", "face", "track", "point", "region", "visible")
    assert [rows[0][name] for name in names] == ["a, b.jpg", "", "", "0", "", "0", "jaw", ""]
    assert [rows[-1][name] for name in names] == ["a, b.jpg", "", "", "1", "7", "57", "nose", "0.25"]
    assert float(rows[0]["x"]) == pytest.approx(faces[0].points[0, 0], abs=0.006)
    assert [float(rows[0][f"box_{side}"]) for side in ("x0", "y0", "x1", "y1")] == [40, 30, 160, 150]


def test_json_and_csv_say_the_same():
    face = replace(make_face("nose1"), track=3, reliable=True)
    source = Source("clip.mp4", (200, 240), 12, 0.48)
    written = record(source, "tiny", [face])
    (row,) = csv.DictReader(io.StringIO(to_csv(source, [face])))
    assert list(written) == ["schema_version", *CSV_COLUMNS[:3], "width", "height", "model", "faces"]
    (found,) = written["faces"]
    order = ["face", "track", "scheme", "box", "box_score", "reliable", "pose", "points", "scores", "visible"]
    assert list(found) == order
    assert (written["frame"], written["time"]) == (12, 0.48) == (int(row["frame"]), float(row["time"]))
    assert (found["track"], found["reliable"], found["visible"]) == (3, True, None)
    assert (row["track"], row["reliable"], row["visible"]) == ("3", "True", "")
    assert [float(row["x"]), float(row["y"])] == found["points"][0]
    assert int(row["schema_version"]) == written["schema_version"] == SCHEMA_VERSION


def test_names_that_are_not_utf8_agree(tmp_path):
    name = os.fsdecode(b"ren\xe9e.jpg")
    with ResultWriter(tmp_path, "tiny") as results:
        results.add(Source(name, (2, 3)), [make_face("nose1")])
        results.add(Source("zoë.jpg", (2, 3)), [])
    first, second = json.loads((tmp_path / "faces.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((tmp_path / "faces.csv").open(encoding="utf-8")))
    assert first["image"] == rows[0]["image"] == r"ren\xe9e.jpg"
    assert second["image"] == "zoë.jpg"


def test_writer_streams_lines_and_csv_and_ends_with_a_list(tmp_path):
    with ResultWriter(tmp_path, "tiny") as results:
        results.add(Source("one.jpg", (200, 240)), [make_face(), make_face("nose1")])
        assert len(lines(tmp_path)) == 1  # nothing waits in a buffer
        results.add(Source("none.jpg", (20, 30)), [])
    first, second = json.loads((tmp_path / "faces.json").read_text())
    assert lines(tmp_path) == [first, second]
    assert first["image"] == "one.jpg"
    assert (first["width"], first["height"], first["model"]) == (240, 200, "tiny")
    assert [face["scheme"] for face in first["faces"]] == ["ibug68", "nose1"]
    assert first["faces"][0]["box_score"] == 0.75
    assert second["faces"] == []
    assert len((tmp_path / "faces.csv").read_text().splitlines()) == 1 + 68 + 1


def lines(folder) -> list:
    return [json.loads(line) for line in (folder / "faces.jsonl").read_text().splitlines()]


def test_what_was_added_before_an_error_stays(tmp_path):
    def write_until_an_error() -> None:
        with ResultWriter(tmp_path, "tiny") as results:
            results.add(Source("one.jpg", (2, 3)), [])
            results.add(Source("two.jpg", (2, 3)), [None])

    with pytest.raises(AttributeError):
        write_until_an_error()
    assert len(json.loads((tmp_path / "faces.json").read_text())) == len(lines(tmp_path)) == 1


@pytest.mark.parametrize("full", ["faces.jsonl", "faces.csv"])
def test_a_full_disk_tears_no_line(tmp_path, monkeypatch, full):
    with ResultWriter(tmp_path, "tiny") as results:
        results.add(Source("one.jpg", (2, 3)), [make_face()])
        appended = results._lines if full == "faces.jsonl" else results._rows
        before = {name: (tmp_path / name).read_bytes() for name in ("faces.jsonl", "faces.csv")}
        file = appended._file

        class Full:
            def write(self, data):
                file.write(data[:100])
                raise OSError(errno.ENOSPC, "No space left on device")

            def __getattr__(self, name):
                return getattr(file, name)

        appended._file = Full()
        with pytest.raises(OSError, match="No space left"):
            results.add(Source("two.jpg", (2, 3)), [make_face()])
        assert {name: (tmp_path / name).read_bytes() for name in before} == before
        appended._file = file
        results.add(Source("three.jpg", (2, 3)), [make_face()])
    assert [line["image"] for line in lines(tmp_path)] == ["one.jpg", "three.jpg"]


def test_a_kill_loses_nothing_that_was_written(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from fkp.runtime.results import ResultWriter, Source\n"
        "with ResultWriter(Path(sys.argv[1]), 'tiny') as results:\n"
        "    for i in range(5): results.add(Source(f'{i}.jpg', (2, 3)), [])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "faces.json").write_text("[an earlier run]")
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=Path(__file__).parents[2])
    assert [line["image"] for line in lines(tmp_path)] == [f"{i}.jpg" for i in range(5)]
    assert not (tmp_path / "faces.json").exists()


def test_empty_run_is_still_json(tmp_path):
    with ResultWriter(tmp_path, "tiny"):
        pass
    assert json.loads((tmp_path / "faces.json").read_text()) == []
