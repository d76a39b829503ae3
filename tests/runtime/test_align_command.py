"""`fkp align`."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from head_views import view
from PIL import Image

from fkp.__main__ import main
from fkp.runtime import align_cli
from fkp.runtime.face import Face
from fkp.schemes import IBUG68, IMM58


class FakeLandmarker:
    """Finds a frontal face and one in profile; none in a black picture."""

    scheme = IBUG68

    def __init__(self, model: str) -> None:
        if model == "imm":
            self.scheme = IMM58

    def __call__(self, image: np.ndarray) -> list[Face]:
        views = [view("ibug68"), view("ibug68", yaw=85)] if image.any() else []
        return [
            Face(p.astype(np.float32), np.ones(68, np.float32), np.zeros(4, np.float32), 1.0, "ibug68")
            for p in views
        ]


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(align_cli, "Landmarker", FakeLandmarker)
    folder = tmp_path / "photos"
    folder.mkdir()
    gray = np.full((260, 260, 3), 90, np.uint8)
    Image.fromarray(gray).save(folder / "a.png")
    Image.fromarray(gray * 0).save(folder / "black.png")
    return folder


def test_crops_and_their_transforms_are_written_and_the_rest_is_counted(pictures, tmp_path, capsys):
    (pictures / "broken.jpg").write_bytes(b"no picture")
    out = tmp_path / "crops"
    assert main(["align", str(pictures), "--out", str(out), "--size", "96", "--template", "ffhq"]) == 1
    said = capsys.readouterr()
    assert "1 face of 2 of 3 files" in said.out
    assert "skipped 1: the face is turned aside by more than 60 degrees" in said.out
    assert "skipped 1: no face found in the picture" in said.out
    assert "broken.jpg" in said.err
    assert Image.open(out / "a.png").size == (96, 96)
    (row,) = csv.DictReader((out / "crops.csv").open())
    assert (row["image"], row["face"], row["crop"]) == (str(pictures / "a.png"), "0", "a.png")
    assert float(row["a"]) == pytest.approx(float(row["e"]), rel=1e-4)


def test_a_model_without_the_68_points_is_refused(pictures, tmp_path, capsys):
    arguments = ["align", str(pictures), "--out", str(tmp_path / "crops"), "--model", "imm"]
    assert main(arguments) == 2
    assert "alignment needs the 68 points; imm finds imm58" in capsys.readouterr().err


def test_a_useless_size_is_refused(pictures, tmp_path, capsys):
    assert main(["align", str(pictures), "--out", str(tmp_path / "crops"), "--size", "2"]) == 2
    assert "at least 8 pixels" in capsys.readouterr().err
