"""`python -m fkp predict` from end to end, and the command line around it."""

from __future__ import annotations

import builtins
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from onnx_models import save_constant_model, save_indexed_model
from PIL import Image
from videos import make_video, streams

from fkp.__main__ import COMMANDS, main
from fkp.datasets.pts import read_pts
from fkp.images import load_picture
from fkp.runtime.inputs import find_files, unique_stems
from fkp.runtime.media import VideoReader

ASTRONAUT = Path(__file__).parents[2] / "demo" / "examples" / "eileen-collins.jpg"


@pytest.fixture
def model(tmp_path):
    (tmp_path / "models").mkdir()
    return save_constant_model(tmp_path / "models")


@pytest.fixture(scope="module")
def portrait():
    """A small picture with one face."""
    return Image.open(ASTRONAUT).crop((110, 40, 350, 250))


def predict(*arguments) -> int:
    return main(["predict", *map(str, arguments)])


def test_pictures_folders_and_a_video(tmp_path, model, portrait, capsys):
    photos = tmp_path / "photos"
    (photos / "more").mkdir(parents=True)
    portrait.save(photos / "one.png")
    pair = Image.new("RGB", (portrait.width * 2, portrait.height))
    pair.paste(portrait, (0, 0))
    pair.paste(portrait, (portrait.width, 0))
    pair.save(photos / "more" / "one.jpg")
    Image.new("RGB", (40, 40)).save(photos / "nobody.gif")
    (photos / "broken.jpg").write_bytes(b"no picture")
    (photos / "notes.txt").write_text("left alone")
    clip = make_video(tmp_path / "clip.mp4", frames=5, sound="aac")
    out = tmp_path / "out"
    before = {file: file.read_bytes() for file in (*photos.rglob("*.*"), clip)}

    assert predict(photos, clip, "--model", model, "--out", out) == 1

    assert {file: file.read_bytes() for file in before} == before
    assert sorted(file.name for file in out.iterdir()) == [
        *("clip.mp4", "faces.csv", "faces.json", "faces.jsonl", "nobody.jpg"),
        *("one-2.jpg", "one-2.pts", "one.jpg", "one.pts", "one_1.pts"),
    ]
    written = json.loads((out / "faces.json").read_text())
    records = {record["image"]: record for record in written}
    assert len(records[str(photos / "more" / "one.jpg")]["faces"]) == 2
    assert len(records[str(photos / "one.png")]["faces"]) == 1
    frames = [(record["frame"], record["time"]) for record in written if record["image"] == str(clip)]
    assert frames == [(number, number / 10) for number in range(5)]
    points = records[str(photos / "one.png")]["faces"][0]["points"]
    np.testing.assert_allclose(read_pts(out / "one-2.pts"), points, atol=0.01)
    assert np.abs(np.asarray(Image.open(out / "one-2.jpg"), int) - np.asarray(portrait)).max() > 100
    assert set(streams(out / "clip.mp4")) == {"video", "audio"}
    assert len(list(VideoReader(out / "clip.mp4"))) == 5
    said = capsys.readouterr()
    assert "3 faces in 4 of 5 files; 1 failed, 1 left out" in said.out
    assert f"left out, neither a picture nor a video: {photos / 'notes.txt'}" in said.out
    assert f"no face: {photos / 'nobody.gif'}" in said.out
    assert f"failed: {photos / 'broken.jpg'} is not a picture that can be read" in said.err


def test_numbers_only_by_name_with_refine(tmp_path, monkeypatch, portrait):
    (tmp_path / "models").mkdir()
    save_indexed_model(tmp_path / "models")
    monkeypatch.setenv("FKP_MODELS", str(tmp_path / "models"))
    portrait.save(tmp_path / "face.jpg")
    out = tmp_path / "deep" / "out"
    options = ("--model", "tiny", "--out", out, "--refine", "--no-overlay", "--provider", "cpu")
    assert predict(tmp_path / "face.jpg", *options) == 0
    assert sorted(file.name for file in out.iterdir()) == [
        "face.pts",
        "faces.csv",
        "faces.json",
        "faces.jsonl",
    ]


def test_video_failing_on_the_way_leaves_no_half_video(tmp_path, model, capsys):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no video at all")
    assert predict(clip, "--model", model, "--out", tmp_path / "out") == 1
    names = ["faces.csv", "faces.json", "faces.jsonl"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == names
    assert "failed: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["face.jpg", "--model", "absent.onnx", "--out", "out"], "absent.onnx cannot be read"),
        (["face.jpg", "--model", "models/tiny.onnx", "--out", "."], "--out . is where face.jpg lies"),
        (["models", "--model", "models/tiny.onnx", "--out", "out"], "models holds no pictures or videos"),
        (
            ["face.jpg", "--model", "models/tiny.onnx", "--out", "face.jpg"],
            "--out face.jpg cannot be made a folder",
        ),
        (
            ["photos", "--model", "models/tiny.onnx", "--out", "photos"],
            "--out photos must be another folder than",
        ),
        (["photos", "--model", "models/tiny.onnx", "--out", "."], "--out . must be another folder than"),
        (["face.jpg", "--model", "models/tiny.onnx", "--out", "out", "--provider", "abacus"], "there are: "),
    ],
)
def test_what_cannot_start_says_why(tmp_path, model, portrait, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    portrait.save("face.jpg")
    Path("photos").mkdir()
    portrait.save("photos/face.jpg")
    before = Path("face.jpg").read_bytes()
    assert predict(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert words in said
    assert Path("face.jpg").read_bytes() == before


def test_missing_input_is_a_failure_of_its_own(tmp_path, model, portrait, capsys):
    portrait.save(tmp_path / "face.jpg")
    out = tmp_path / "out"
    assert predict(tmp_path / "absent.jpg", tmp_path / "face.jpg", "--model", model, "--out", out) == 1
    assert "absent.jpg does not exist" in capsys.readouterr().err
    assert (out / "face.pts").exists()


def test_results_of_an_earlier_run_are_no_inputs(tmp_path, portrait):
    (tmp_path / "out").mkdir()
    portrait.save(tmp_path / "face.jpg")
    portrait.save(tmp_path / "out" / "face.jpg")
    assert find_files([tmp_path, tmp_path / "face.jpg"], tmp_path / "out").files == (tmp_path / "face.jpg",)


def test_what_cameras_write_is_found_and_the_rest_is_named(tmp_path):
    for name in ("a.jfif", "b.HEIC", "c.3gp", "d.JPG", "notes.txt", "._a.jpg", "code.ts"):
        (tmp_path / name).write_text("const one = 1;")
    make_video(tmp_path / "e.ts")
    tape = (tmp_path / "e.ts").read_bytes()
    packets = [b"\0\0\0\0" + tape[start : start + 188] for start in range(0, len(tape), 188)]
    for name in ("f.MTS", "g.m2ts"):
        (tmp_path / name).write_bytes(b"".join(packets))
    found = find_files([tmp_path], tmp_path / "out")
    assert [file.name for file in found.files] == [
        *("a.jfif", "b.HEIC", "c.3gp", "d.JPG", "e.ts", "f.MTS", "g.m2ts")
    ]
    assert [file.name for file in found.left_out] == ["._a.jpg", "code.ts", "notes.txt"]
    assert len(list(VideoReader(tmp_path / "f.MTS"))) == 10


def test_no_file_ends_the_work_on_the_others(tmp_path, model, portrait, capsys, monkeypatch):
    portrait.save(tmp_path / "b.jpg")
    strip = Image.new("RGB", (40_000, portrait.height))
    strip.paste(portrait, (20_000, 0))
    strip.save(tmp_path / "long.png")
    odd = make_video(tmp_path / "odd.mp4")
    odd.write_bytes(odd.read_bytes().replace(b"avc1", b"zzz1"))
    (tmp_path / "a.jpg").touch()

    def load(file):
        if file.name == "a.jpg":
            raise ZeroDivisionError("a bug")
        return load_picture(file)

    monkeypatch.setattr("fkp.runtime.cli.load_picture", load)
    assert (
        predict(tmp_path / "a.jpg", odd, tmp_path / "b.jpg", tmp_path / "long.png", *into(tmp_path, model))
        == 1
    )
    said = capsys.readouterr()
    assert "in 2 of 4 files; 2 failed, 0 left out" in said.out
    assert "a.jpg: internal error: ZeroDivisionError: a bug" in said.err
    assert "odd.mp4 holds pictures in a format that cannot be decoded here" in said.err
    assert (tmp_path / "out" / "long.jpg").exists()


def into(folder: Path, model: Path) -> tuple:
    return ("--model", model, "--out", folder / "out")


def test_names_that_are_not_utf8(tmp_path, model, portrait, capsys):
    photo = tmp_path / os.fsdecode(b"ren\xe9e.jpg")
    clip = make_video(tmp_path / "clip.mp4", frames=2).rename(tmp_path / os.fsdecode(b"clip-\xe9.mp4"))
    portrait.save(photo)
    assert predict(photo, clip, *into(tmp_path, model)) == 0
    written = json.loads((tmp_path / "out" / "faces.json").read_text())
    rows = (tmp_path / "out" / "faces.csv").read_text(encoding="utf-8")
    assert written[0]["image"].endswith(r"ren\xe9e.jpg")
    assert written[0]["image"] in rows
    assert (tmp_path / "out" / os.fsdecode(b"ren\xe9e.pts")).exists()
    assert (tmp_path / "out" / os.fsdecode(b"clip-\xe9.mp4")).exists()
    assert r"no face: " in capsys.readouterr().out


def test_further_faces_of_an_earlier_run_do_not_stay(tmp_path, model, portrait):
    pair = Image.new("RGB", (portrait.width * 2, portrait.height))
    pair.paste(portrait, (0, 0))
    pair.paste(portrait, (portrait.width, 0))
    pair.save(tmp_path / "x.jpg")
    out = tmp_path / "out"
    assert predict(tmp_path / "x.jpg", *into(tmp_path, model)) == 0
    assert (out / "x_1.pts").exists()
    portrait.save(tmp_path / "x.jpg")
    assert predict(tmp_path / "x.jpg", *into(tmp_path, model)) == 0
    assert (out / "x.pts").exists()
    assert not (out / "x_1.pts").exists()
    (tmp_path / "x.jpg").write_text("broken")
    assert predict(tmp_path / "x.jpg", *into(tmp_path, model)) == 1
    assert sorted(file.name for file in out.iterdir()) == ["faces.csv", "faces.json", "faces.jsonl"]


def test_points_of_a_picture_read_smaller_are_those_of_the_whole(
    tmp_path, model, portrait, monkeypatch, capsys
):
    large = portrait.resize((portrait.width * 4, portrait.height * 4), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg")
    folders = tmp_path / "whole", tmp_path / "smaller"
    assert predict(tmp_path / "large.jpg", "--model", model, "--out", folders[0]) == 0
    monkeypatch.setattr("fkp.runtime.cli.load_picture", lambda file: load_picture(file, 500_000))
    assert predict(tmp_path / "large.jpg", "--model", model, "--out", folders[1]) == 0
    whole, smaller = (json.loads((folder / "faces.json").read_text())[0] for folder in folders)
    assert (whole["width"], whole["height"]) == (smaller["width"], smaller["height"]) == large.size
    np.testing.assert_allclose(whole["faces"][0]["points"], smaller["faces"][0]["points"], atol=30)
    assert "large.jpg was read at 1/2 of its size" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_killed_keeps_what_it_had(tmp_path, model, number):
    clip = make_video(tmp_path / "clip.mp4", frames=34, size=(480, 640))
    names = []
    for copy in range(30):
        names.append(str(tmp_path / f"{copy}.mp4"))
        shutil.copy(clip, names[-1])
    command = [sys.executable, "-m", "fkp", "predict", *names, *map(str, into(tmp_path, model))]
    lines = tmp_path / "out" / "faces.jsonl"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while not lines.exists() or lines.stat().st_size < 5_000:
            assert run.poll() is None
            time.sleep(0.02)
        run.send_signal(number)
    assert run.returncode != 0
    written = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [record["frame"] for record in written] == [number % 34 for number in range(len(written))]
    if number == signal.SIGTERM:
        assert json.loads((tmp_path / "out" / "faces.json").read_text()) == written
        assert not list((tmp_path / "out").glob(".*.tmp"))
    for video in (tmp_path / "out").glob("*.mp4"):
        assert len(list(VideoReader(video))) == 34


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        (["a/x.jpg", "b/x.jpg", "x.png"], ["x", "x-2", "x-3"]),
        (["x.jpg", "x_1.jpg"], ["x", "x_1-2"]),
        (["x_1.jpg", "x.jpg"], ["x_1", "x-2"]),
        (["x_1.jpg", "x_2.jpg"], ["x_1", "x_2"]),
        (["X.jpg", "x.jpg"], ["X", "x-2"]),
        (["x-2.jpg", "a/x.jpg", "b/x.jpg"], ["x-2", "x", "x-3"]),
        (["_1.jpg", "faces.jpg"], ["_1", "faces"]),
    ],
)
def test_no_two_inputs_share_a_result(names, stems):
    assert list(unique_stems([Path(name) for name in names])) == stems


def test_predict_help_teaches_and_loads_no_torch():
    command = [sys.executable, "-X", "importtime", "-m", "fkp", "predict", "--help"]
    done = subprocess.run(command, text=True, capture_output=True, check=True)
    assert "example:\n  python -m fkp predict" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "onnxruntime" in imported
    assert not {"torch", "av"} & imported


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    for commands in COMMANDS.values():
        for name, what in commands.items():
            assert re.search(rf"^    {name}\s", said, re.MULTILINE)
            assert what in said


def test_no_command_and_unknown_command(capsys):
    for arguments in ([], ["fly"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
    assert "choose from" in capsys.readouterr().err


def test_training_without_torch_names_what_to_install(monkeypatch, capsys):
    real_import = builtins.__import__

    def without_torch(name, *args, **kwargs):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    for name in [name for name in sys.modules if name.startswith(("fkp.training", "fkp.models"))]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["train", "anything"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: `fkp train` needs torch: pip install 'fkp[train]', or `pip install -r ")
