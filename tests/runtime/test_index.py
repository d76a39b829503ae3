"""The index: what it lists, what it refuses, and that one broken model costs itself only."""

from __future__ import annotations

import json

import pytest
from onnx_models import make_spec, save_constant_model, save_indexed_model

from fkp.errors import ModelError
from fkp.letterbox import LONGEST, STEP
from fkp.runtime.detectors import FkpDetector
from fkp.runtime.folders import detectors_folder
from fkp.runtime.index import list_models, refresh_index
from fkp.runtime.landmarker import Landmarker
from fkp.spec import DETECTOR_THRESHOLD


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder with one model and its index, where names are looked up."""
    save_indexed_model(tmp_path)
    monkeypatch.setenv("FKP_MODELS", str(tmp_path))
    return tmp_path


def rewrite_index(folder, **changes) -> None:
    index = json.loads((folder / "index.json").read_text())
    index["models"]["tiny"] |= changes
    (folder / "index.json").write_text(json.dumps(index))


def test_index_lists_and_loads_by_name(models):
    (entry,) = list_models()
    assert (entry.name, entry.path, entry.problem) == ("tiny", models / "tiny.onnx", None)
    assert entry.spec == make_spec() == Landmarker("tiny").spec
    assert sorted(file.name for file in models.iterdir()) == ["index.json", "tiny.onnx"]


def test_no_index_means_no_models(tmp_path):
    assert list_models(tmp_path) == list_models(tmp_path / "absent") == []


def test_unknown_name_lists_the_known(models):
    with pytest.raises(ModelError, match=r"there is no model 'huge' in .*; there are: tiny"):
        Landmarker("huge")


def test_missing_and_changed_files_are_named(models):
    path = models / "tiny.onnx"
    path.write_bytes(path.read_bytes() + b"!")
    assert "bytes, not the" in list_models()[0].problem
    with pytest.raises(ModelError, match=r"'tiny' cannot be used: tiny\.onnx has"):
        Landmarker("tiny")
    path.unlink()
    assert list_models()[0].problem == "tiny.onnx is missing"


def test_file_of_the_right_size_but_another_content(models):
    rewrite_index(models, sha256="0" * 64)
    assert list_models()[0].problem is None
    with pytest.raises(ModelError, match=r"is not the file that index\.json describes: its SHA-256 differs"):
        Landmarker("tiny")
    assert Landmarker(models / "tiny.onnx").spec.name == "tiny"


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": None},
        {"spec": None},
        {"spec": {"name": "tiny"}},
        {"spec": json.loads(make_spec().to_json()) | {"scheme": "wflw98"}},
        {"spec": json.loads(make_spec().to_json()) | {"validation": "3.1"}},
        {"problem": "it was damaged"},
    ],
)
def test_broken_rows_are_listed_with_their_problem(models, changes):
    rewrite_index(models, **changes)
    assert list_models()[0].problem
    with pytest.raises(ModelError, match="'tiny' cannot be used"):
        Landmarker("tiny")


def test_index_cannot_lead_out_of_its_folder(models):
    rewrite_index(models, file="../../etc/tiny.onnx")
    assert list_models()[0].path == models / "tiny.onnx"


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"models": 1}', "[" * 100_000, "\x80"])
def test_damaged_index(models, text):
    (models / "index.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"index\.json"):
        list_models()


def test_a_file_that_cannot_be_used_costs_itself_only(models):
    save_constant_model(models, make_spec("small")).rename(models / "other.onnx")
    (models / "broken.onnx").write_bytes(b"no model")
    refresh_index(models)
    problems = {entry.name: entry.problem for entry in list_models()}
    assert problems["tiny"] is None
    assert problems["other"] == "the model other.onnx calls itself 'small': the file must be small.onnx"
    assert problems["broken"].startswith("the model broken.onnx is damaged or no ONNX file")
    assert Landmarker("tiny").spec.name == "tiny"
    with pytest.raises(ModelError, match=r"'broken' cannot be used: .* is damaged"):
        Landmarker("broken")


def test_a_new_file_can_be_used_by_name_before_the_index_lists_it(models):
    save_constant_model(models, make_spec("small"))
    assert [entry.name for entry in list_models()] == ["tiny"]
    assert Landmarker("small").spec.name == "small"


def test_a_row_that_is_no_row_costs_itself_only(models):
    index = json.loads((models / "index.json").read_text())
    index["models"]["odd"] = 1
    (models / "index.json").write_text(json.dumps(index))
    assert [entry.name for entry in list_models() if not entry.problem] == ["tiny"]


def test_the_index_lists_detectors_with_threshold_and_input_size(tmp_path):
    (tmp_path / "detectors").mkdir()
    shipped = detectors_folder() / "fkp-detector-int8.onnx"
    (tmp_path / "detectors" / shipped.name).write_bytes(shipped.read_bytes())
    refresh_index(tmp_path)
    assert list_models(tmp_path) == []
    row = json.loads((tmp_path / "index.json").read_text())["detectors"]["fkp-detector-int8"]
    assert row["file"] == "detectors/fkp-detector-int8.onnx"
    assert (row["spec"]["threshold"], row["spec"]["step"]) == (DETECTOR_THRESHOLD, STEP)
    assert row["longest_side"] == LONGEST
    assert row["bytes"] == shipped.stat().st_size
    assert row["spec"]["name"] == shipped.stem


def test_detectors_of_the_chosen_folder_come_first(tmp_path, monkeypatch):
    own = detectors_folder()
    monkeypatch.setenv("FKP_MODELS", str(tmp_path))
    assert detectors_folder() == own
    (tmp_path / "detectors").mkdir()
    assert detectors_folder() == tmp_path / "detectors"
    with pytest.raises(ModelError, match=r"detectors/fkp-detector-int8\.onnx cannot be read"):
        FkpDetector()
