"""What other programs write, and what stands beside data without being part of it."""

import os
import shutil

import numpy as np
import pytest
from fake_data import IBUG, IMM, TRAIN_XML, YTF, make_face, write_image, write_pts, xml_image

from fkp.__main__ import main
from fkp.datasets import DLIB_BOX, load
from fkp.datasets.dlib_xml import read_dlib_xml, read_given_boxes
from fkp.datasets.inventory import check, find_sources
from fkp.datasets.pts import read_pts, read_pts_folder
from fkp.datasets.ytf import read_ytf_csv
from fkp.errors import DataError


@pytest.fixture
def face(tmp_path, rng):
    """The points of a face, in `a.jpg` and `a.pts` of the folder."""
    image, points = make_face(rng)
    write_image(tmp_path / "a.jpg", image)
    write_pts(tmp_path / "a.pts", points)
    return points


def write_dataset(file, *images, encoding="utf-8"):
    """dlib's declaration names ISO 8859-1 whatever the bytes are."""
    text = f"<?xml version='1.0' encoding='ISO-8859-1'?><dataset><images>{''.join(images)}</images></dataset>"
    file.write_bytes(text.encode(encoding))


@pytest.mark.parametrize("value", ["1", "true"])
def test_an_ignored_box_is_no_face(tmp_path, face, value):
    left, top = face.min(axis=0).round().astype(int)
    image = xml_image("a.jpg", (left, top, 60, 60), face.round().astype(int))
    ignored = (
        f"<box top='1' left='1' width='20' height='20' ignore='{value}'><part name='00' x='1' y='1'/></box>"
    )
    for text in (image.replace("</image>", f"{ignored}</image>"), image.replace("<box", f"{ignored}<box", 1)):
        write_dataset(tmp_path / "t.xml", text)
        (sample,) = read_dlib_xml(tmp_path / "t.xml", DLIB_BOX)
        np.testing.assert_allclose(sample.points, face, atol=6e-4)  # finer than the XML's whole pixels
        assert sample.given_box.tolist() == [left, top, left + 60, top + 60]
        assert read_given_boxes(tmp_path / "t.xml")["a.jpg"].tolist() == sample.given_box.tolist()
    write_dataset(tmp_path / "t.xml", image.replace("<box", "<box ignore='0'"))
    assert len(list(read_dlib_xml(tmp_path / "t.xml", DLIB_BOX))) == 1


def test_backslashes_of_windows(tmp_path, face):
    (tmp_path / "pics").mkdir()
    for name in ("a.jpg", "a.pts"):
        shutil.move(tmp_path / name, tmp_path / "pics" / name)
    write_dataset(tmp_path / "t.xml", xml_image("pics\\a.jpg", (5, 5, 60, 60)))
    (sample,) = read_dlib_xml(tmp_path / "t.xml", DLIB_BOX)
    assert (sample.id, sample.image) == ("pics/a.jpg", tmp_path / "pics/a.jpg")
    np.testing.assert_allclose(sample.points, face, atol=6e-4)
    write_dataset(tmp_path / "t.xml", xml_image("..\\a.jpg", (5, 5, 60, 60)))
    with pytest.raises(DataError, match="outside"):
        list(read_dlib_xml(tmp_path / "t.xml", DLIB_BOX))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_in_other_encodings_than_the_xml_says(tmp_path, face, encoding):
    name = os.fsdecode("renée.jpg".encode(encoding))
    shutil.move(tmp_path / "a.jpg", tmp_path / name)
    write_dataset(tmp_path / "t.xml", xml_image("renée.jpg", (5, 5, 60, 60)), encoding=encoding)
    (sample,) = read_dlib_xml(tmp_path / "t.xml", DLIB_BOX)
    assert sample.id == name
    assert sample.image.is_file()


def test_names_that_are_not_utf8(tmp_path, face, capsys):
    for old in ("a.jpg", "a.pts"):
        shutil.move(tmp_path / old, os.fsencode(tmp_path) + b"/ren\xe9e" + old[1:].encode())
    (sample,) = read_pts_folder(tmp_path.parent, tmp_path.name, {})
    assert os.fsencode(sample.id).endswith(b"ren\xe9e.jpg")
    sample.image.unlink()
    assert main(["data", "check", str(tmp_path)]) == 1
    assert "ren\\udce9e.pts: one picture is wanted beside it, not 0" in capsys.readouterr().out


def test_a_ytf_name_that_is_not_utf8(fake_root):
    file = fake_root() / YTF / "test_frames_keypoints.csv"
    name = b"Ren\xe9_00.jpg"
    shutil.move(file.parent / "test/A_Person0_00.jpg", os.fsencode(file.parent) + b"/test/" + name)
    file.write_bytes(file.read_bytes().replace(b"A_Person0_00.jpg", name))
    assert [sample.group for sample in read_ytf_csv(file)] == [os.fsdecode(b"Ren\xe9"), "A_Person0"]


def test_what_stands_beside_a_pts_is_no_second_picture(tmp_path, face):
    for name in ("a.json", "a.mat", "a.txt", "._a.jpg", "._a.pts", ".hidden.pts"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    shutil.copy(tmp_path / "a.jpg", tmp_path / "a_mirror.jpg")
    shutil.copy(tmp_path / "a.pts", tmp_path / "a_mirror.pts")
    (source,) = find_sources(tmp_path)
    finding = check(source)
    assert ([sample.image.name for sample in finding.samples], finding.problems) == (["a.jpg"], [])
    shutil.copy(tmp_path / "a.jpg", tmp_path / "a.JPEG")
    (problem,) = check(source).problems
    assert "one picture is wanted beside it, not 2" in str(problem)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("n_points: ", "n_points:").replace("version: ", "version:"),
        lambda text: text.replace("n_points: ", "n_points :  "),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n") + "\r\n\r\n",
        lambda text: text.replace(" ", "\t").replace("\n", " \n"),
    ],
    ids=["no blanks", "more blanks", "byte order mark", "Windows", "tabs"],
)
def test_spellings_of_a_pts(tmp_path, face, change):
    file = tmp_path / "a.pts"
    file.write_bytes(change(file.read_text()).encode())
    np.testing.assert_allclose(read_pts(file), face, atol=6e-4)
    file.rename(tmp_path / "a.PTS")
    assert len(list(read_pts_folder(tmp_path.parent, tmp_path.name, {}))) == 1


@pytest.mark.parametrize("digits", ["١٢.٥", "1_0", "１２", "0x1p4", "infinity"])  # noqa: RUF001
def test_only_ascii_numbers_are_numbers(tmp_path, face, digits):
    file = tmp_path / "a.pts"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:3], f"{digits} 5", *lines[4:]]))
    with pytest.raises(DataError, match=r"a\.pts:4: .* is not a finite number"):
        read_pts(file)


def as_windows(text):
    return "\ufeff" + text.replace("\n", "\r\n") + "\r\n"


def as_r(text):
    return "\n".join(",".join(f'"{v}"' for v in line.split(",")) for line in text.splitlines())


@pytest.mark.parametrize("change", [as_windows, as_r, lambda text: text.partition("\n")[2]])
def test_csvs_of_other_programs(fake_root, change):
    file = fake_root() / YTF / "test_frames_keypoints.csv"
    before = list(read_ytf_csv(file))
    file.write_bytes(change(file.read_text()).encode())
    after = list(read_ytf_csv(file))
    assert [sample.id for sample in after] == [sample.id for sample in before]
    np.testing.assert_array_equal([s.points for s in after], [s.points for s in before])


@pytest.mark.parametrize("content", [b"", b"<dataset/>", b"<html><body/></html>"])
def test_an_xml_without_pictures(fake_root, capsys, content):
    root = fake_root()
    (root / IBUG / TRAIN_XML).write_bytes(content)
    with pytest.raises(DataError, match="holds no pictures"):
        load("ibug-train", root)
    assert main(["data", "check", str(root / IBUG / TRAIN_XML)]) == 1
    assert "nothing is wrong" not in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", ",0,1\n", "\n\n"])
def test_a_csv_without_faces(fake_root, content):
    root = fake_root()
    (root / YTF / "test_frames_keypoints.csv").write_text(content)
    with pytest.raises(DataError, match="holds no faces"):
        load("ytf-test", root)


def test_a_foreign_asf_is_skipped_or_reported(fake_root, capsys):
    """A video's container has this ending too."""
    root = fake_root()
    (root / IMM / "holiday.asf").write_bytes(b"0&\xb2u\x8ef\xcf\x11" + bytes(500))
    shutil.copy(root / IMM / "01-1m.asf", root / IMM / "someone.asf")
    problems = []
    assert len(load("imm-train", root, problems.append)) == 3
    assert [problem.file.name for problem in problems] == ["holiday.asf", "someone.asf"]
    assert all("not named as IMM's files are" in problem.problem for problem in problems)
    assert main(["data", "check", str(root / IMM), "--skip-broken"]) == 0
    assert "skipped: 2" in capsys.readouterr().out


def test_a_folder_named_like_a_file(fake_root):
    root = fake_root()
    (root / IBUG / TRAIN_XML).unlink()
    (root / IBUG / TRAIN_XML).mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        load("ibug-train", root)
    (root / IBUG / "lfpw/testset/x.pts").mkdir()
    assert len(load("300w-lfpw", root, lambda error: None)) == 1
