"""Reader of WFLW: 98 points a face, of which 68 are read."""

import numpy as np
import pytest
from fake_data import WFLW, make_face, wflw_line, write_image

from fkp.datasets import load
from fkp.datasets.inventory import find_sources
from fkp.datasets.wflw import read_wflw, wflw_list
from fkp.errors import DataError


@pytest.fixture
def folder(fake_root):
    return fake_root() / WFLW


def test_the_68_points_are_found_among_the_98(folder, rng):
    image, points = make_face(rng)
    write_image(folder / "WFLW_images/9--Press/d 4.jpg", image)
    lines = wflw_line("9--Press/d 4.jpg", points) + wflw_line("9--Press/d 4.jpg", points + 2)
    (folder / wflw_list("test")).write_text(lines)
    first, second = read_wflw(folder, "test")
    np.testing.assert_allclose(first.points, points, atol=1e-5)
    np.testing.assert_allclose(second.points, points + 2, atol=1e-5)
    assert (first.id, second.id) == ("WFLW_images/9--Press/d 4.jpg", "WFLW_images/9--Press/d 4.jpg#1")
    assert first.group == second.group == first.id
    assert first.given_box.tolist() == [*points.min(axis=0).astype(int), *points.max(axis=0).astype(int)]


def test_the_order_follows_the_published_one():
    """Outer eye corners are WFLW's 60 and 72, the nose's tip is its 54, the mouth's corners 76 and 82."""
    from fkp.datasets.wflw import _TO_68

    assert [_TO_68[i] for i in (8, 36, 45, 30, 48, 54)] == [16, 60, 72, 54, 76, 82]
    assert len(set(_TO_68)) == 68


def test_a_photo_stands_on_one_side(folder):
    root = folder.parent
    sides = [{s.group for s in load(f"wflw-{side}", root)} for side in ("train", "val", "test")]
    assert [len(side) for side in sides] == [1, 1, 1]
    assert len(set.union(*sides)) == 3


BROKEN = {
    "too few": (lambda line: line.partition(" ")[2], "206 numbers and a picture's name are wanted, not 206"),
    "text": (lambda line: line.replace(".", ",", 1), "is not a finite number"),
    "missing": (lambda line: line.replace(".jpg", ".png"), "is missing"),
    "outside": (lambda line: line.replace("9--Press/", "../../imm_face_db/"), "outside|missing"),
    "far away": (lambda line: "9" + line.replace(".", "", 1), "picture's size away|too large"),
    "empty": (lambda line: "\n", "holds no faces"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_lines(folder, case):
    change, words = BROKEN[case]
    file = folder / wflw_list("test")
    file.write_text(change(file.read_text()))
    with pytest.raises(DataError, match=words):
        load("wflw-test", folder.parent)
    assert load("wflw-test", folder.parent, lambda error: None) == []


def test_check_finds_the_lists(folder):
    assert [source.layout for source in find_sources(folder)] == ["WFLW .txt"] * 2
