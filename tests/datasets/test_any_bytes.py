"""Every parser on any bytes: sound values or a DataError, nothing else."""

import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from fkp.datasets import DLIB_BOX
from fkp.datasets.cfp_profile import read_cfp_profile
from fkp.datasets.dlib_xml import read_dlib_xml, read_given_boxes
from fkp.datasets.download import unpack
from fkp.datasets.imm import read_asf, read_imm
from fkp.datasets.merl_rav import read_merl_rav
from fkp.datasets.pseudo_labels import LabelFilter, read_labels, read_pseudo_labeled, resume_labels
from fkp.datasets.pts import read_pts, read_pts_folder
from fkp.datasets.wflw import read_wflw, wflw_list
from fkp.datasets.ytf import read_ytf_csv
from fkp.errors import DataError, DownloadError
from fkp.schemes import IBUG68, get_scheme

POINTS = json.dumps([[float(i % 9), float(i % 7)] for i in range(68)]).encode()
ODD = [b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b"'", b'"', b",", b" ", b"<", b"../a.png"]
ODD += ["\u0661\u00b2".encode(), b"nan", b"-inf", b"1e999", b"9" * 5000]
ODD += [b"null", b"true", b"{}", b"[" * 3000, b'"\\ud800"']
TEXT = {
    "a.pts": [b"version: 1\n", b"n_points: 2\n", b"n_points:2\n", b"{\n", b"3 4\n", b"50 60\n", b"}\n"],
    "01-1m.asf": [b"58\n", b"0 \t4 \t0.1 \t0.2 \t0 \t0 \t1\n", b"# words\n", b"01-1m.png\n"],
    "t.xml": [
        b"<?xml version='1.0' encoding='ISO-8859-1'?>",
        b"<dataset>",
        b"<image file='a.png'>",
        b"<box top='1' left='2' width='30' height='40'>",
        b"<part name='00' x='1' y='2'/>",
        b" ignore='1'",
        b"</box>",
        b"</image>",
        b"</dataset>",
    ],
    "t_frames_keypoints.csv": [b",0,1\n", b"a.png", b",1.5" * 136, b",1", b"\n", b'"a.png"'],
    wflw_list("test"): [b"1.5 " * 50, b"30 " * 146, b"1 2 30 40 ", b"0 " * 6, b"a.png", b"\n"],
    "labels.jsonl": [
        b'{"image": "a.png", "pose": "left", "person": "1", "split": "test", "points": ' + POINTS,
        b'{"picture": "t/a.png", "faces": [',
        b'{"score": 0.9, "confidence": 0.8, "scheme": "ibug68", "points": ' + POINTS + b"}",
        b', "state": ',
        b', "image": ',
        b', "points": ',
        b"[" + b"0," * 67 + b"0]",
        b"}",
        b"]}",
        b"\n",
        b"1",
    ],
}
settings.register_profile("parsers", max_examples=60, deadline=None)


def texts(name):
    """Bytes that look like such a file in places, and any bytes."""
    pieces = st.lists(st.sampled_from(TEXT[name] + ODD) | st.binary(max_size=8), max_size=12)
    whole = st.lists(st.sampled_from(range(len(TEXT[name]))), max_size=3).map(
        lambda left_out: b"".join(piece for i, piece in enumerate(TEXT[name]) if i not in left_out)
    )
    return st.binary(max_size=200) | pieces.map(b"".join) | whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("t")
    for name in ("a.png", "01-1m.png", "t/a.png", "WFLW_images/a.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (100, 90)).save(folder / name)
    (folder / wflw_list("test")).parent.mkdir(parents=True)
    return folder


def read(reader, *arguments):
    """The samples that a reader gives; what is broken is collected first, then raised."""
    problems = []
    samples = list(reader(*arguments, problems.append))
    assert all(isinstance(problem, DataError) for problem in problems)
    for sample in samples:
        assert sample.image.is_file()
        assert np.isfinite(sample.box).all()
        assert sample.points is None or sample.points.shape == (get_scheme(sample.scheme).num_points, 2)
    if problems:
        with pytest.raises(DataError):
            list(reader(*arguments))
    return samples


LAX = LabelFilter(score=0, confidence=0, smallest=0)
READERS = {
    "pts": ("a.pts", lambda folder: read(read_pts_folder, folder.parent, folder.name, {})),
    "pts alone": ("a.pts", lambda folder: read_pts(folder / "a.pts")),
    "asf": ("01-1m.asf", lambda folder: read(read_imm, folder)),
    "asf alone": ("01-1m.asf", lambda folder: read_asf(folder / "01-1m.asf")),
    "xml": ("t.xml", lambda folder: read(read_dlib_xml, folder / "t.xml", DLIB_BOX)),
    "boxes": ("t.xml", lambda folder: read_given_boxes(folder / "t.xml")),
    "csv": ("t_frames_keypoints.csv", lambda folder: read(read_ytf_csv, folder / "t_frames_keypoints.csv")),
    "wflw": (wflw_list("test"), lambda folder: read(read_wflw, folder, "test")),
    "merl-rav": ("labels.jsonl", lambda folder: read(read_merl_rav, folder, "test")),
    "cfp": ("labels.jsonl", lambda folder: read(read_cfp_profile, folder)),
    "labels": ("labels.jsonl", lambda folder: read_labels(folder / "labels.jsonl")),
}


@pytest.mark.parametrize("kind", READERS)
@settings(settings.get_profile("parsers"), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_readers(folder, kind, data):
    name, reader = READERS[kind]
    (folder / name).write_bytes(data.draw(texts(name)))
    try:
        reader(folder)
    except DataError:
        pass
    finally:
        (folder / name).unlink()


@settings(settings.get_profile("parsers"), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=texts("labels.jsonl"))
@example(b'{"picture": "t/a.png", "faces": []}\n{"picture": "t/b')
@example(b"my thesis, all of it, without a line's end")
def test_a_file_of_labels_is_resumed_or_left_as_it_is(folder, monkeypatch, content):
    file = folder / "others.jsonl"
    file.write_bytes(content)
    monkeypatch.setenv("FKP_LABELS", str(file))
    try:
        done = resume_labels(file)
    except DataError:
        assert file.read_bytes() == content
        return
    kept = file.read_bytes()
    assert content.startswith(kept)
    assert b"\n" not in content[len(kept) :]
    assert done == read_labels(file).keys()
    problems = []
    for sample in read_pseudo_labeled(folder, "t", IBUG68, LAX, problems.append):
        assert sample.points.shape == (68, 2)


def archive(name):
    buffer = io.BytesIO()
    if name == "x.zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("a/b.txt", b"content" * 20)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
            info = tarfile.TarInfo("a/b.txt")
            info.size = 140
            packed.addfile(info, io.BytesIO(b"content" * 20))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
@settings(settings.get_profile("parsers"), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_archive_is_unpacked_whole_or_not_at_all(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("archive")
    sound = archive(name)
    place = data.draw(st.integers(0, len(sound) - 1))
    changed = sound[:place] + data.draw(st.binary(max_size=4)) + sound[place + data.draw(st.integers(0, 4)) :]
    (folder / name).write_bytes(data.draw(st.sampled_from([changed, changed, sound[:place]])))
    try:
        unpack(folder / name, folder / "out")
    except DownloadError:
        assert list(folder.iterdir()) == []
        return
    assert sorted(path.name for path in folder.iterdir()) == ["out", name]
    for path in (folder / "out").rglob("*"):
        assert path.is_dir() or path.read_bytes() == b"content" * 20
