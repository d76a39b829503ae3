"""The leaderboard and its page, from CSVs alone."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import report
from bench.report.charts import Axis, pareto
from bench.results import RESULTS, read_csv, read_rows, to_csv, write_rows
from bench.rows import (
    ROW_TYPES,
    AccuracyRow,
    BoxesRow,
    CedRow,
    ConfidenceRow,
    DetectionRow,
    InterleavedRow,
    KaggleRow,
    LatencyRow,
    RobustnessRow,
    Row,
    from_text,
    to_text,
)
from bench.scores import CED_THRESHOLDS
from bench.tasks.distortions import DISTORTIONS
from fkp.schemes import REGIONS

NAMES = {"fast": 6.0, "fine": 4.0, "<b>odd</b>": 9.0}


FILE = {"sha256": "0", "provider": "cpu"}
HOME = {"dataset": "300w-common", "scheme": "ibug68"}


def accuracy(model: str, nme: float, **more: Any) -> AccuracyRow:
    figures = {"missed": 0.0, "nme": nme, "nme_inner": nme, "fr8": nme, "auc8": 50.0, "mae": nme}
    regions = {region: nme + i for i, region in enumerate(REGIONS)}
    return AccuracyRow(
        **{"model": model, **FILE, **HOME, "boxes": "truth", "nme_of": regions, **figures, **more}
    )


def kaggle(model: str, mae: float) -> KaggleRow:
    return KaggleRow(model=model, **FILE, images=10, covered=4, mae=mae)


def interleaved(model: str, ratio: float, **more: Any) -> InterleavedRow:
    rival = {"rival": "fine", "rival_sha256": "0", "cpu": "Some CPU", "threads": 1, "median_ms": 1.0}
    interval = {"ratio": ratio, "ratio_from": ratio - 0.1, "ratio_to": ratio + 0.1}
    return InterleavedRow(**{"model": model, **FILE, **rival, **interval, **more})


@pytest.fixture
def results(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("FKP_MODELS", str(tmp_path / "models"))
    rows: list[Row] = []
    for name, nme in NAMES.items():
        names = {"model": name, **FILE}
        rows += [accuracy(name, nme), kaggle(name, nme), interleaved(name, nme / 3, median_ms=nme)]
        shares = {f"{t:g}": min(100.0, t * 50 / nme) for t in CED_THRESHOLDS}
        rows.append(CedRow(**names, **HOME, boxes="truth", shares=shares))
        times = {"median_ms": 40 / nme, "p90_ms": 9.0, "p99_ms": 9.0, "faces_per_s": 100.0}
        facts = {"file_mb": 2.0, "multiply_adds": 10**8, "load_ms": 5.0, "memory_mb": 80.0}
        rows += [
            LatencyRow(**names, kind=kind, threads=1, batch=1, **times, **facts) for kind in ("face", "whole")
        ]
        conditions = [("clean", 0.0), ("summary", 0.0), ("mirror", 0.0)]
        conditions += [(kind, s) for kind, d in DISTORTIONS.items() for s in d.severities]
        rows += [RobustnessRow(**names, **HOME, kind=k, severity=s, nme=nme) for k, s in conditions]
    for name, recall in (("ours", 99.5), ("theirs", 80.0)):
        names = {"model": name, **FILE, "cpu": "Some CPU"}
        figures = {"recall35": recall, "recall50": recall - 1}
        rows += [DetectionRow(**names, dataset=dataset, **figures) for dataset in ("dark", "contest")]
        rows.append(DetectionRow(**names, dataset="things", false_boxes=0.125, ms=1000 / recall))
        errors = {"missed": 100 - recall, "nme": 300 / recall, "fr8": 1.0, "auc8": recall / 2}
        rows += [BoxesRow(model="fine", **FILE, boxes=name, passes=passes, **errors) for passes in (1, 2)]
    for kind in ROW_TYPES:
        write_rows(tmp_path / "results", [r for r in rows if type(r) is kind], "Some-CPU-2core", "2020-01-01")
    return tmp_path / "results"


class _Checker(HTMLParser):
    """Collects what a page would load, and checks that its elements close in order."""

    VOID = frozenset({"meta", "br"})
    OPEN_ENDED = frozenset({"html"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_written_and_self_contained(results, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- leaderboard -->\nold\n<!-- /leaderboard -->\nafter\n")
    models = {name: {"sha256": "0"} for name in NAMES}
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "index.json").write_text(json.dumps({"models": models}))
    paths = report.write(results, tmp_path)
    assert [path.name for path in paths[:3]] == ["summary.json", "LEADERBOARD.md", "leaderboard.html"]
    text = readme.read_text()
    assert text.startswith("before\n<!-- leaderboard -->\n| model |")
    assert text.endswith("<!-- /leaderboard -->\nafter\n")
    assert "old" not in text
    page = (tmp_path / "docs" / "leaderboard.html").read_text()
    checker = _Checker()
    checker.feed(page)
    assert checker.loads == []
    assert checker.open == []
    assert "<b>odd" not in page
    assert checker.seen.count("svg") == 2 + len(DISTORTIONS)
    assert not re.search(r"\bnan\b|\$\w", page)


def test_the_best_come_first_and_are_bold(results, tmp_path):
    report.write(results, tmp_path)
    lines = (tmp_path / "LEADERBOARD.md").read_text().splitlines()
    ranked = [line for line in lines if line.startswith(("| fine", "| fast"))]
    assert ranked[0].startswith("| fine | **4.00** |")
    assert "**4.00**" not in ranked[1]


def test_interleaved_times_stand_beside_their_rival(results, tmp_path):
    more = [("openvino", 1, 0.5), ("cpu", 2, 0.4), ("cpu", 16, 0.3)]
    rows = [interleaved("fast", r, provider=p, threads=t) for p, t, r in more]
    write_rows(results, rows, "Some-CPU-2core", "2020-01-02")
    report.write(results, tmp_path)
    text = (tmp_path / "LEADERBOARD.md").read_text()
    rows = text[text.index("## Interleaved times") : text.index("## Latency")].splitlines()
    ours = [row.split(" | ")[2:6] for row in rows if row.startswith("| fast")]
    assert ours == [
        *(["cpu", "1", "6", "2"], ["cpu", "2", "1", "0.40"], ["cpu", "16", "1", "0.30"]),
        ["openvino", "1", "1", "0.50"],
    ]


def test_rows_of_a_changed_model_are_left_out(results, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "index.json").write_text('{"models": {"fine": {"sha256": "1", "spec": {}}}}')
    report.write(results, tmp_path)
    text = (tmp_path / "LEADERBOARD.md").read_text()
    assert "| fine" not in text
    assert "| fast" in text


def test_a_later_date_replaces_the_file_and_keeps_the_other_rows(results):
    write_rows(results, [kaggle("fine", 1.0)], "Some-CPU-2core", "2020-02-02")
    assert [path.name for path in results.glob("kaggle*")] == [
        "kaggle_Some-CPU-2core_cpu_fp32_2020-02-02.csv"
    ]
    assert {r.model: r.mae for r in read_rows(results, KaggleRow)} == {"fine": 1, "fast": 6, "<b>odd</b>": 9}


def test_rows_written_twice_stand_once(tmp_path):
    for severity in (0, 0.0):
        row = RobustnessRow(model="m", **FILE, **HOME, kind="clean", severity=severity, nme=3.0)
        write_rows(tmp_path, [row], "CPU", "2020-01-01")
    assert len(read_rows(tmp_path, RobustnessRow)) == 1


def test_the_pareto_front_holds_what_none_beats():
    assert pareto([(1, 9), (2, 5), (3, 7), (4, 5), (5, 1)]) == [(1, 9), (2, 5), (5, 1)]


def test_ticks_are_round_and_inside():
    assert Axis("", 0, 25).ticks() == [0, 5, 10, 15, 20, 25]
    assert Axis("", 0.5, 30, log=True).ticks() == pytest.approx([0.5, 1, 2, 5, 10, 20])


def test_detectors_are_compared_in_the_order_of_their_pictures(results, tmp_path):
    report.write(results, tmp_path)
    text = (tmp_path / "LEADERBOARD.md").read_text()
    recall = text[text.index("## Face detectors: recall at IoU 0.35") :].splitlines()[2:6]
    assert recall[0] == "| detector | contest | dark |"
    assert recall[2:] == ["| ours | **99.5** | **99.5** |", "| theirs | 80.0 | 80.0 |"]
    assert "| ours | 0.125 |" in text
    assert "| ours | **10.1** |" in text
    assert "Some CPU" in text
    assert "| fine, ours | **0.50** | **3.02** |" in text


def test_published_scores_stand_beside_ours_with_what_they_rest_on(results, tmp_path):
    report.write(results, tmp_path)
    text = (tmp_path / "LEADERBOARD.md").read_text()
    assert all(score in text for score in ("7.24259", "43.04827", "8.079", "7.835"))
    assert "| fine | **4.00** | 4 of 10 images here |" in text


def test_models_of_a_series_have_a_table_of_their_own(results, tmp_path):
    (tmp_path / "README.md").write_text("<!-- leaderboard -->\n<!-- /leaderboard -->\n")
    write_rows(results, [accuracy("lesson", 3.0, series="lessons")], "Some-CPU-2core", "2020-01-02")
    report.write(results, tmp_path)
    text = (tmp_path / "LEADERBOARD.md").read_text()
    top = text[text.index("## 68 points") :].split("##")[1]
    assert "| fine |" in top
    assert "| lesson |" not in top
    assert "| lesson | 3.00 |" in text[text.index("## Course reports: 68 points") :]
    assert "lesson" not in (tmp_path / "README.md").read_text()


def test_the_summary_has_the_main_figures_of_each_model(results, tmp_path):
    more = [accuracy("fine", 9.0, boxes="detector"), accuracy("fine", 1.0, dataset="imm-val", scheme="nose1")]
    write_rows(results, more, "Some-CPU-2core", "2020-01-01")
    report.write(results, tmp_path)
    summary = json.loads((results / "summary.json").read_text())
    assert summary["host"] == "Some-CPU-2core"
    assert summary["models"]["fine"] == {"sha256": "0", "nme": {"ibug68": 4.0, "nose1": 1.0}, "ms": 10.0}


def test_a_damaged_row_costs_itself_and_is_named(results, tmp_path, capsys):
    (path,) = results.glob("accuracy*")
    head, *lines = path.read_bytes().splitlines()
    damaged = [lines[0] + b"\xff", b'"', b"1,2", b"\0" * 50, lines[1].replace(b"6", b"six")]
    path.write_bytes(b"\n".join([head, *damaged, *lines[2:]]))
    report.write(results, tmp_path)
    assert capsys.readouterr().err.count(f"skipped: {path.name}, line ") == 5
    main_table = (tmp_path / "LEADERBOARD.md").read_text().split("\n## ")[1]
    assert "| fine | 4.00 " in main_table
    assert "| fast | 6.00 " not in main_table


@given(st.binary(max_size=400))
def test_any_file_of_results_can_be_read(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "accuracy_H_cpu_fp32_2020-01-01.csv"
    path.write_bytes(b"model,sha256,provider,faces\n" + content)
    problems: list[str] = []
    assert read_csv(path, AccuracyRow, problems.append) == []


def test_committed_results_are_written_back_byte_for_byte():
    files = [(kind, file) for kind in ROW_TYPES for file in RESULTS.glob(f"{kind.part}_*.csv")]
    assert len(files) == len(list(RESULTS.glob("*.csv")))
    for kind, file in files:
        rows = read_csv(file, kind)
        assert to_csv(rows) == file.read_text(encoding="utf-8"), file.name
        names = file.stem.split("_")[1:4]
        assert all([row.host, row.provider, row.precision] == names for row in rows), file.name


@given(
    st.text(st.characters(exclude_categories=["C", "Z"])), st.floats(0, 1e6).map(lambda v: round(v, 4)),
    st.none() | st.integers(0, 10**9), st.dictionaries(st.sampled_from(REGIONS), st.floats(0, 99).map(round)),
)  # fmt: skip
def test_a_row_survives_its_text(model, number, count, regions):
    latency = {"kind": "face", "threads": 1, "batch": 1, "median_ms": number, "p90_ms": 1.0, "p99_ms": 1.0}
    row = LatencyRow(model=model, **FILE, **latency, faces_per_s=1.0, parameters=count)
    assert from_text(LatencyRow, to_text(row)) == row
    errors = accuracy(model, number, nme_inner=None, nme_of=regions)
    assert from_text(AccuracyRow, to_text(errors)) == errors


def test_a_model_card_gets_its_figures_between_its_marks(results, tmp_path):
    groups = [
        ConfidenceRow(model="fine", **FILE, **HOME, group=group, faces=faces, nme=4.25, fr8=0.0, score=0.7)
        for group, faces in (("a", 9), ("all", 99))
    ]
    write_rows(results, groups, "Some-CPU-2core", "2020-01-01")
    cards = tmp_path / "docs" / "models"
    cards.mkdir(parents=True)
    for name in ("fine", "unknown"):
        (cards / f"{name}.md").write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nbehind\n")
    report.write(results, tmp_path)
    card = (cards / "fine.md").read_text()
    assert card.startswith("before\n<!-- figures -->\n")
    assert card.endswith("<!-- /figures -->\nbehind\n")
    assert "old" not in card
    assert re.search(r"\| NME % \|.*\| 4\.00 \|", card)
    assert card.index("| all | 99 | 4.25 |") < card.index("| a | 9 | 4.25 |")
    assert "old" in (cards / "unknown.md").read_text()
