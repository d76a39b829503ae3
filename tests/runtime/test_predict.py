"""`python -m fkp predict` from end to end, and the command line around it."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_models import save_constant_model, save_indexed_model
from PIL import Image
from videos import make_video, streams

from fkp.__main__ import COMMANDS, main
from fkp.datasets.pts import read_pts
from fkp.runtime.cli import find_files, unique_stems
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
        *("clip.mp4", "faces.csv", "faces.json", "nobody.jpg"),
        *("one-2.jpg", "one-2.pts", "one.jpg", "one.pts", "one_1.pts"),
    ]
    records = {record["image"]: record for record in json.loads((out / "faces.json").read_text())}
    assert len(records[str(photos / "more" / "one.jpg")]["faces"]) == 2
    assert len(records[str(photos / "one.png")]["faces"]) == 1
    assert len([name for name in records if name.startswith(f"{clip}#")]) == 5
    points = records[str(photos / "one.png")]["faces"][0]["points"]
    np.testing.assert_allclose(read_pts(out / "one-2.pts"), points, atol=0.01)
    assert np.abs(np.asarray(Image.open(out / "one-2.jpg"), int) - np.asarray(portrait)).max() > 100
    assert set(streams(out / "clip.mp4")) == {"video", "audio"}
    assert len(list(VideoReader(out / "clip.mp4"))) == 5
    said = capsys.readouterr()
    assert "3 faces in 4 of 5 files" in said.out
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
    assert sorted(file.name for file in out.iterdir()) == ["face.pts", "faces.csv", "faces.json"]


def test_video_failing_on_the_way_leaves_no_half_video(tmp_path, model, capsys):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no video at all")
    assert predict(clip, "--model", model, "--out", tmp_path / "out") == 1
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["faces.csv", "faces.json"]
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
    assert find_files([tmp_path, tmp_path / "face.jpg"], tmp_path / "out") == [tmp_path / "face.jpg"]


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
            assert f"    {name} " in said
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
