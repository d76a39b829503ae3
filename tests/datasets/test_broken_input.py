"""The readers on every kind of broken input: each is reported, none gives a wrong sample."""

import numpy as np
import pytest
from fake_data import IBUG, IMM, TEST_XML, TRAIN_XML, YTF, write_pts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fkp.datasets import DLIB_BOX, load
from fkp.datasets.dlib_xml import read_dlib_xml
from fkp.datasets.pts import read_pts
from fkp.errors import DataError
from fkp.schemes import get_scheme


@pytest.fixture
def root(fake_root):
    return fake_root()


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def line_of(file, words):
    return next(n for n, line in enumerate(file.read_text().splitlines(), 1) if words in line)


def problem(name, root):
    """The one problem of a data set: collected, or raised by default."""
    problems = []
    load(name, root, problems.append)
    with pytest.raises(DataError) as caught:
        load(name, root)
    assert [str(problem) for problem in problems] == [str(caught.value)]
    return problems[0]


BROKEN_XML = {
    "missing picture": ("file='lfpw/testset/image_0001.png'", "file='lfpw/no.png'", "missing"),
    "no file": ("file='lfpw/testset/image_0001.png'", "", "no picture is named"),
    "absolute": ("file='lfpw/testset/image_0001.png'", "file='/etc/hostname'", "outside"),
    "parent": ("file='lfpw/testset/image_0001.png'", "file='../../elsewhere.png'", "outside"),
    "not a picture": ("lfpw/testset/image_0001.png", TEST_XML, "cannot be read"),
    "no width": ("width='60'", "", "width, height must be finite numbers"),
    "no number": ("width='60'", "width='wide'", "must be finite numbers"),
    "no area": ("width='60'", "width='0'", "no area"),
    "negative": ("height='60'", "height='-60'", "no area"),
    "infinite": ("width='60'", "width='inf'", "must be finite numbers"),
    "far away": ("width='60'", "width='6000'", "picture's size away"),
}


@pytest.mark.parametrize("case", BROKEN_XML)
def test_broken_xml_entries(root, case):
    file = root / IBUG / TEST_XML
    old, new, words = BROKEN_XML[case]
    edit(file, old, new)
    error = problem("kaggle-test", root)
    assert words in error.problem
    assert error.file == file
    assert error.line == line_of(file, "<image " if "file=" in old or "lfpw" in old else "<box")


BROKEN_PARTS = {
    "one too few": ("<part name='67' x", "<other x", "00 to 67, each of them once"),
    "one too many": ("<part name='00'", "<part name='68' x='1' y='1'/><part name='00'", "00 to 67"),
    "one twice": ("<part name='01'", "<part name='00'", "00 to 67"),
    "one identical twice": ("<part name='00'", "<part name='00' x='1' y='1'/><part name='00'", "00 to 67"),
    "nameless": ("<part name='01'", "<part", "00 to 67"),
    "NaN": ("<part name='01' x='", "<part name='01' x='nan' was='", "must be finite numbers"),
    "text": ("<part name='01' x='", "<part name='01' x='1e' was='", "must be finite numbers"),
    "far away": ("<part name='01' x='", "<part name='01' x='9", "picture's size away"),
}


@pytest.mark.parametrize("case", BROKEN_PARTS)
def test_broken_parts(root, case):
    """The first face is in a group whose other face stays sound."""
    file = root / IBUG / TRAIN_XML
    for pts in (root / IBUG / "afw").glob("*.pts"):
        pts.unlink()
    old, new, words = BROKEN_PARTS[case]
    edit(file, old, new)
    problems = []
    samples = list(read_dlib_xml(file, DLIB_BOX, problems.append))
    assert len(samples) == 14
    assert "afw/100_1.jpg" not in [sample.id for sample in samples]
    (error,) = problems
    assert words in error.problem
    assert error.line == line_of(file, "<box")


def test_a_pts_that_disagrees_with_the_xml(root):
    pts = root / IBUG / "afw/100_1.pts"
    write_pts(pts, read_pts(pts) + 1)  # as if somebody forgot that .pts count from 1
    with pytest.raises(DataError, match=r"1\.\d pixels off those of 100_1\.pts"):
        list(read_dlib_xml(root / IBUG / TRAIN_XML, DLIB_BOX))


def test_a_picture_rotated_by_its_exif_data_is_refused(root):
    picture = root / IMM / "33-1m.jpg"
    with Image.open(picture) as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(picture, exif=exif)
    assert "rotated by its EXIF" in problem("imm-val", root).problem


@pytest.mark.parametrize(
    ("declaration", "content"),
    [
        ("<!DOCTYPE d [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]>", "&b;"),
        ("<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>", "&a;"),
    ],
)
def test_an_xml_with_entities_is_refused(root, declaration, content):
    file = root / IBUG / TEST_XML
    file.write_text(f"<?xml version='1.0'?>\n{declaration}\n<dataset>{content}</dataset>")
    error = problem("kaggle-test", root)
    assert "refused" in error.problem
    assert error.line == 2


def test_a_torn_xml_keeps_what_came_before(root):
    file = root / IBUG / TEST_XML
    text = file.read_text()
    file.write_text(text[: text.rindex("</box>")])
    problems = []
    assert len(load("kaggle-test", root, problems.append)) == 1
    assert "not well-formed" in problems[0].problem
    assert problems[0].line > 5


def test_a_link_out_of_the_folder_is_refused(root, tmp_path):
    outside = tmp_path / "outside.png"
    picture = root / IBUG / "lfpw/testset/image_0001.png"
    picture.rename(outside)
    picture.symlink_to(outside)
    assert "outside of the data set" in problem("kaggle-test", root).problem
    assert "outside of the data set" in problem("300w-lfpw", root).problem


BROKEN_PTS = {
    "header": (1, "points 68", "does not begin"),
    "count": (2, "n_points: 67", "68 points follow"),
    "three numbers": (7, "1 2 3", "a point is two numbers"),
    "text": (7, "1 two", "'two' is not a finite number"),
    "NaN": (7, "1 nan", "not a finite number"),
    "infinite": (7, "-inf 1", "not a finite number"),
    "far away": (7, "1 99999", "picture's size away"),
    "one point less": (7, "", "67 points follow"),
    "not closed": (72, "", "not closed"),
}


@pytest.mark.parametrize("case", BROKEN_PTS)
def test_broken_pts(root, case):
    file = root / IBUG / "helen/testset/300_1.pts"
    number, replacement, words = BROKEN_PTS[case]
    lines = file.read_text().splitlines()
    lines[number - 1] = replacement
    file.write_text("\n".join(lines))
    error = problem("300w-common", root)
    assert words in error.problem
    assert error.file == file


def test_other_broken_pts(root):
    file = root / IBUG / "helen/testset/300_1.pts"
    write_pts(file, np.ones((5, 2)))
    assert "68 points are wanted, not 5" in problem("300w-helen", root).problem
    write_pts(file, np.ones((68, 2)))
    assert "span no area" in problem("300w-helen", root).problem
    file.write_bytes(b"")
    assert "does not begin" in problem("300w-helen", root).problem
    file.with_suffix(".jpg").unlink()
    assert "one picture is wanted beside it, not 0" in problem("300w-helen", root).problem


BROKEN_ROWS = {
    "missing picture": ("A_Person0_00.jpg", "Nobody.jpg", "missing"),
    "outside": ("A_Person0_00.jpg", "../../../x.jpg", "outside"),
    "one value less": ("A_Person0_00.jpg,", "A_Person0_00.jpg;", "not 136 values"),
    "one value more": ("A_Person0_00.jpg,", "A_Person0_00.jpg,1.0,", "not 138 values"),
    "NaN": ("A_Person0_00.jpg,", "A_Person0_00.jpg,nan,1,2\n", "values"),
    "text": ("A_Person0_00.jpg,", "A_Person0_00.jpg,x", "not a finite number"),
    "infinite": (".0,", "e999,", "too large for a coordinate"),
    "far away": ("A_Person0_00.jpg,", "A_Person0_00.jpg,-99", "picture's size away"),
}


@pytest.mark.parametrize("case", BROKEN_ROWS)
def test_broken_ytf_rows(root, case):
    file = root / YTF / "test_frames_keypoints.csv"
    old, new, words = BROKEN_ROWS[case]
    edit(file, old, new)
    problems = []
    assert len(load("ytf-test", root, problems.append)) == 1
    assert words in problems[0].problem
    assert (problems[0].file, problems[0].line) == (file, 2)


BROKEN_ASF = {
    "count": ("\n58\n", "\n57\n", "says '57' points, but 58 follow", 3),
    "no count": ("\n58\n", "\nmany\n", "says 'many' points", 3),
    "fields": ("\t3 \t0 \t1\n", "\t3\n", "7 fields of point 3", 10),
    "order": ("\t3 \t0 \t1\n", "\t4 \t0 \t1\n", "7 fields of point 3", 10),
    "text": ("0 \t4 \t0", "0 \t4 \tx0", "not a finite number", 7),
    "NaN": ("0 \t4 \t0", "0 \t4 \tnan \t0.1 \t0 \t0 \t1\n#", "not a finite number", 7),
    "far away": ("0 \t4 \t0", "0 \t4 \t90", "picture's size away", None),
    "other picture": ("33-1m.jpg", "01-1m.jpg", "another face's", None),
    "missing picture": ("33-1m.jpg", "33-1m.png", "missing", None),
}


@pytest.mark.parametrize("case", BROKEN_ASF)
def test_broken_asf(root, case):
    file = root / IMM / "33-1m.asf"
    old, new, words, line = BROKEN_ASF[case]
    edit(file, old, new)
    error = problem("imm-val", root)
    assert words in error.problem
    assert (error.file, error.line) == (file, line)


def test_an_empty_asf(root):
    (root / IMM / "33-1m.asf").write_text("# nothing\n")
    assert "no number of points" in problem("imm-val", root).problem


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("kaggle-test", f"{IBUG}/{TEST_XML}"),
        ("300w-lfpw", f"{IBUG}/lfpw/testset/image_0001.pts"),
        ("ytf-test", f"{YTF}/test_frames_keypoints.csv"),
        ("imm-val", f"{IMM}/33-1m.asf"),
    ],
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damaged_bytes_never_give_a_wrong_sample(root, name, file, data):
    """Whatever is broken is reported; what still loads is sound and in place."""
    path = root / file
    sound = path.read_bytes()
    place = data.draw(st.integers(0, len(sound) - 1))
    junk = data.draw(st.sampled_from([b"", b"\0", b"<", b"'", b",", b"\n", b"-", b"e9", b"9" * 400, b"\xff"]))
    length = data.draw(st.sampled_from([0, 1, 30]))
    try:
        path.write_bytes(sound[:place] + junk + sound[place + length :])
        for sample in load(name, root, on_error=lambda error: None):
            assert sample.image.is_file()
            assert np.isfinite(sample.box).all()
            assert sample.points is None or sample.points.shape == (get_scheme(sample.scheme).num_points, 2)
    finally:
        path.write_bytes(sound)
