"""Whole runs of `python -m bench` over made-up data and tiny models."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx_models import make_spec, save_constant_model

from bench import faces
from bench.__main__ import main
from bench.faces import TestSet
from bench.results import read_csv
from bench.rows import AccuracyRow, RobustnessRow
from bench.tasks import accuracy
from bench.tasks.accuracy import SingleFace
from fkp.images import load_image
from fkp.runtime.index import refresh_index


def run(*words: str) -> int:
    out = [] if words[0] == "report" else ["--out", "out"]
    return main([*words, *out, "--results", "results"])


def rows() -> list[AccuracyRow]:
    (path,) = Path("results").glob("accuracy_*.csv")
    return read_csv(path, AccuracyRow)


def test_accuracy_rows_for_every_model_set_and_source(workspace, capsys):
    assert run("accuracy") == 0
    found = {(r.model, r.dataset, r.scheme, r.boxes) for r in rows()}
    own = [r for r in rows() if (r.model, r.dataset, r.scheme) == ("all68", "300w-common", "ibug68")]
    assert {(r.boxes, r.passes) for r in own} == {
        *(("truth", 1), ("dataset", 1), ("dataset", 2), ("detector", 1), ("detector", 2)),
    }
    assert {("all68", "300w-helen", "ibug68", "truth"), ("all68", "imm-val", "nose1", "truth")} <= found
    assert ("imm", "imm-val", "imm58", "truth") in found
    assert not [key for key in found if key[1] == "imm-val" and key[3] == "dataset"]
    assert "all68" in capsys.readouterr().out
    single = read_csv(Path("out/faces/300w-common_all68.csv"), SingleFace)
    assert {face.id for face in single} == {"helen/testset/300_1.jpg", "lfpw/testset/image_0001.png"}
    assert list(Path("out/gallery").glob("300w-common_all68_*.jpg"))


def test_a_second_run_measures_nothing_and_writes_the_same(workspace, monkeypatch):
    run("accuracy")
    before = {path.name: path.read_bytes() for path in Path("results").iterdir()}

    def fail(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr(accuracy, "load_image", fail)
    monkeypatch.setattr(faces, "load", fail)
    assert run("accuracy") == 0
    assert {path.name: path.read_bytes() for path in Path("results").iterdir()} == before


def test_two_fresh_runs_give_identical_files(workspace, monkeypatch):
    run("accuracy")
    before = {path.name: path.read_bytes() for path in Path("results").iterdir()}
    monkeypatch.setenv("FKP_CACHE", str(workspace / "another cache"))
    run("accuracy")
    assert {path.name: path.read_bytes() for path in Path("results").iterdir()} == before


def test_an_interrupted_run_keeps_what_is_done(workspace, monkeypatch):
    opened: list[str] = []

    def load(path):
        opened.append(path.parent.name)
        if path.suffix == ".jpg" and path.parent.name == "test":
            raise KeyboardInterrupt
        return load_image(path)

    monkeypatch.setattr(accuracy, "load_image", load)
    assert run("accuracy", "--datasets", "300w-common", "ytf-test") == 130
    assert opened.count("testset") == 2
    monkeypatch.setattr(
        accuracy, "load_image", lambda path: (opened.append(path.parent.name), load_image(path))[1]
    )
    assert run("accuracy", "--datasets", "300w-common", "ytf-test") == 0
    assert opened.count("testset") == 2


def test_a_changed_model_is_measured_anew_and_its_old_rows_go(workspace):
    run("accuracy", "--datasets", "imm-val", "ytf-test")
    old = {row.sha256 for row in rows() if row.model == "imm"}
    save_constant_model(workspace / "models", make_spec("imm", "imm58", margin=1.7))
    refresh_index(workspace / "models")
    run("accuracy", "--datasets", "imm-val")
    found = [row for row in rows() if row.model == "imm"]
    assert {row.sha256 for row in found}.isdisjoint(old)
    assert {row.dataset for row in found} == {"imm-val"}
    assert {row.dataset for row in rows() if row.model == "all68"} == {"imm-val", "ytf-test"}


def test_anyones_file_takes_part_by_its_path(workspace, tmp_path):
    path = save_constant_model(tmp_path, make_spec("theirs"))
    assert run("accuracy", "--models", str(path), "--datasets", "ytf-test") == 0
    assert {row.model for row in rows()} == {"theirs"}


def test_everything_runs_quickly_and_keeps_no_results(workspace, capsys):
    assert run("--quick") == 0
    assert not Path("results").exists()
    text = capsys.readouterr().out
    assert "Robustness" in text
    assert "Latency on" in text
    assert {path.name.split("_")[0] for path in Path("out/quick").iterdir()} == {
        *("accuracy", "ced", "latency", "robustness"),
        "faces",
    }


def test_without_data_it_says_how_to_get_some_and_shows_what_is_known(workspace, monkeypatch, capsys):
    run("accuracy", "--datasets", "ytf-test")
    capsys.readouterr()
    monkeypatch.delenv("FKP_DATA")
    monkeypatch.chdir(workspace)
    (workspace / "data").rename(workspace / "elsewhere")
    assert run("accuracy") == 0
    text = capsys.readouterr().out
    assert "python -m fkp data get" in text
    assert "ytf-test" in text
    assert run("accuracy", "--models", "imm", "--datasets", "ytf-test") == 0
    text = capsys.readouterr().out
    assert "all68" not in text
    assert "nose1" in text


def test_a_data_set_without_points_is_passed_over(workspace, capsys):
    for points in (workspace / "data").rglob("*.pts"):
        points.unlink()
    assert run("accuracy", "--datasets", "kaggle-test", "ytf-test") == 0
    printed = capsys.readouterr()
    assert "kaggle-test holds no face with points" in printed.err
    assert "ytf-test" in printed.out


def test_robustness_is_measured_on_the_named_data_sets(workspace, capsys):
    assert run("--quick", "--datasets", "ytf-test") == 0
    (file,) = Path("out/quick").glob("robustness_*.csv")
    assert {row.dataset for row in read_csv(file, RobustnessRow)} == {"ytf-test"}


def test_results_that_cannot_be_kept_are_not_measured(workspace, capsys, monkeypatch):
    (workspace / "file").touch()
    monkeypatch.setattr(accuracy, "load_image", None)
    assert main(["accuracy", "--results", "file/results", "--out", "out"]) == 2
    assert "file/results cannot be made" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["accuracy", "--models", "nobody"], "there is no model 'nobody'"),
        (["accuracy", "--datasets", "nothing"], "unknown data set 'nothing'"),
        (["accuracy", "--data", "nowhere"], "the data root nowhere is not there"),
        (["report"], "holds no accuracy results"),
    ],
)
def test_mistakes_are_named(workspace, capsys, words, message):
    assert run(*words) == 2
    assert message in capsys.readouterr().err


def test_the_fingerprint_of_a_test_set_follows_its_files(workspace, fake_root):
    root = workspace / "data"
    before = TestSet("imm-val", root).fingerprint
    path = root / "imm_face_db" / "33-1m.asf"
    faces.folder_hash.cache_clear()
    path.write_text(path.read_text() + "\n")
    assert TestSet("imm-val", root).fingerprint != before
