"""What is measured of which model, side by side on all cores, and for how long a result counts."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from onnx_models import make_spec, save_constant_model

from bench import candidates
from bench.candidates import Candidate
from bench.parallel import PerThread, on_all_cores
from bench.protocol import accuracy_sets, is_reduced, robustness_groups
from bench.report import result_set
from bench.report.result_set import forget_outdated
from bench.results import read_rows, write_rows
from bench.rows import KaggleRow
from fkp.schemes import get_scheme


def candidate(name: str, series: str = "", scheme: str = "ibug68", origin: str = "exported") -> Candidate:
    spec = replace(make_spec(name, scheme), series=series)
    return Candidate(name, get_scheme(scheme), "0", "cpu", lambda: None, origin, spec=spec)


FINE, REPORT, FACE = candidate("fine"), candidate("x", "lessons"), candidate("face", "lessons", "imm58")
THEIRS = candidate("theirs", "lessons", origin="file")


def test_results_come_in_order_from_several_threads():
    both = threading.Barrier(2, timeout=20)
    own = PerThread(list)

    def work(item: int) -> tuple[int, int]:
        if item < 2:
            both.wait()  # passes only when two threads work
        own.value.append(item)
        return item, id(own.value)

    results = on_all_cores(work, range(20), "testing", "item", threads=2)
    assert [item for item, _ in results] == list(range(20))
    assert len({owner for _, owner in results}) == 2


def test_the_first_error_ends_the_work():
    done = []

    def work(item: int) -> None:
        if item == 3:
            raise ValueError("three")
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(ValueError, match="three"):
        on_all_cores(work, range(10_000), "testing", "item")
    assert len(done) < 1000


def test_only_exported_models_of_a_series_have_the_reduced_protocol():
    assert [is_reduced(c) for c in (FINE, REPORT, FACE, THEIRS)] == [False, True, True, False]


def test_the_reduced_protocol_leaves_out_other_schemes_and_most_video_frames(tmp_path):
    everybody = [FINE, REPORT, FACE]

    def plan(dataset: str, limit: int | None = None) -> list[tuple[int | None, list[Candidate]]]:
        return [(s.limit, members) for s, members in accuracy_sets(everybody, dataset, tmp_path, limit)]

    assert plan("300w-common") == [(None, [FINE, REPORT])]
    assert plan("imm-val") == [(None, everybody)]
    assert plan("ytf-test") == [(None, [FINE]), (192, [REPORT])]
    assert plan("ytf-test", 16) == [(16, [FINE, REPORT])]


def test_the_reduced_protocol_has_fewer_robustness_faces():
    assert list(robustness_groups([FINE, REPORT], 48)) == [(48, [FINE]), (16, [REPORT])]
    assert list(robustness_groups([REPORT], 4)) == [(4, [REPORT])]


def row(name: str, origin: str = "") -> KaggleRow:
    return KaggleRow(
        model=name, sha256="0", provider="cpu", origin=origin, images=1, covered=1, mae=2.0, mae_of={}
    )


def test_rows_of_models_that_are_gone_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(result_set, "read_index", lambda folder: {"here": {"sha256": "0"}})
    rows = [row("here", "exported"), row("gone", "exported"), row("theirs", "file")]
    write_rows(tmp_path, [*rows, row("old")], "Host", "2020-01-01")
    assert forget_outdated(tmp_path) == 1
    assert [r.model for r in read_rows(tmp_path, KaggleRow)] == ["here", "old", "theirs"]
    write_rows(tmp_path, [row("here", "exported"), row("theirs")], "Other", "2020-01-02")
    assert forget_outdated(tmp_path) == 2  # what the first host measured of them
    found = [(r.host, r.model) for r in read_rows(tmp_path, KaggleRow)]
    assert found == [("Host", "old"), ("Other", "here"), ("Other", "theirs")]


def test_rows_of_a_file_that_has_changed_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(result_set, "read_index", lambda folder: {"here": {"sha256": "1"}})
    write_rows(tmp_path, [row("here", "exported")], "Host", "2020-01-01")
    assert forget_outdated(tmp_path) == 1


def test_a_file_whose_models_are_all_gone_goes_too(tmp_path, monkeypatch):
    monkeypatch.setattr(result_set, "read_index", lambda folder: {})
    write_rows(tmp_path, [row("gone", "exported")], "Host", "2020-01-01")
    forget_outdated(tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_file_of_an_exported_name_gets_a_name_of_its_own(workspace, tmp_path):
    other = save_constant_model(tmp_path, make_spec("imm"), (0.25, 0.25))
    (found,), _ = candidates.find_candidates([str(other)], ["cpu"], 1)
    assert found.name == f"{found.sha256[:6]}-imm"
    (same,), _ = candidates.find_candidates([str(workspace / "models" / "imm.onnx")], ["cpu"], 1)
    assert same.name == "imm"


def test_two_models_of_one_name_are_not_measured_as_one(workspace):
    found, problems = candidates.find_candidates(["imm", str(workspace / "models" / "imm.onnx")], ["cpu"], 1)
    assert [c.name for c in found] == ["imm"]
    assert "calls itself imm" in problems[0]


def test_exported_models_are_known_by_their_hash_without_being_loaded(workspace, monkeypatch):
    monkeypatch.setattr(candidates, "ModelSession", None)
    found, problems = candidates.find_candidates(None, ["cpu"], 1)
    assert [(c.name, c.origin, c.provider) for c in found] == [
        ("all68", "exported", "cpu"),
        ("imm", "exported", "cpu"),
    ]
    assert not problems
    file = workspace / "models" / "imm.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    found, problems = candidates.find_candidates(None, ["cpu"], 1)
    assert [c.name for c in found] == ["all68"]
    assert "not the file that the index describes" in problems[0]
