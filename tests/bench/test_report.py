"""The leaderboard and its page, from CSVs alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench import report
from bench.report.charts import Axis, pareto
from bench.results import read_rows, write_rows
from bench.scores import CED_THRESHOLDS
from bench.tasks.distortions import DISTORTIONS
from fkp.schemes import REGIONS

NAMES = {"fast": 6.0, "fine": 4.0, "<b>odd</b>": 9.0}


@pytest.fixture
def results(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("FKP_MODELS", str(tmp_path / "models"))
    folder = tmp_path / "results"
    parts: dict[str, list[dict]] = {"accuracy": [], "ced": [], "latency": [], "robustness": [], "kaggle": []}
    parts |= {"detect": [], "boxes": [], "turns": []}
    for name, nme in NAMES.items():
        who = {"model": name, "sha256": "0", "provider": "cpu"}
        where = who | {"dataset": "300w-common", "scheme": "ibug68", "boxes": "truth"}
        regions = {f"nme_{region}": nme + i for i, region in enumerate(REGIONS)}
        figures = {"missed": 0.0, "nme": nme, "nme_inner": nme, "fr8": nme, "auc8": 50.0, "mae": nme}
        parts["accuracy"].append(where | figures | regions)
        parts["ced"].append(where | {f"{t:g}": min(100.0, t * 50 / nme) for t in CED_THRESHOLDS})
        for kind in ("face", "whole"):
            times = {"median_ms": 40 / nme, "p90_ms": 9.0, "p99_ms": 9.0, "faces_per_s": 100.0}
            facts = {"file_mb": 2.0, "multiply_adds": 10**8, "load_ms": 5.0, "memory_mb": 80.0}
            more = {"kind": kind, "threads": 1, "batch": 1, "versions": "x", "date": "2020-01-01"}
            parts["latency"].append(who | more | times | facts)
        shared = who | {"dataset": "300w-common", "scheme": "ibug68"}
        conditions = [("clean", 0.0), ("summary", 0.0), ("mirror", 0.0)]
        conditions += [(kind, s) for kind, d in DISTORTIONS.items() for s in d.severities]
        parts["robustness"] += [shared | {"kind": k, "severity": s, "nme": nme} for k, s in conditions]
        turn = {"rival": "fine", "rival_sha256": "0", "threads": 1, "median_ms": nme, "ratio": nme / 3.0}
        interval = {"ratio_from": nme / 3.0 - 0.1, "ratio_to": nme / 3.0 + 0.1, "cpu": "Some CPU"}
        parts["turns"].append(who | turn | interval)
        parts["kaggle"].append(who | {"images": 10, "covered": 4, "mae": nme})
    for name, recall in (("ours", 99.5), ("theirs", 80.0)):
        who = {"model": name, "sha256": "0", "provider": "cpu", "cpu": "Some CPU"}
        figures = {"recall35": recall, "recall50": recall - 1, "false_boxes": None, "ms": None}
        free = {"recall35": None, "recall50": None, "false_boxes": 0.125, "ms": 1000 / recall}
        parts["detect"].append(who | {"dataset": "dark"} | figures)
        parts["detect"].append(who | {"dataset": "contest"} | figures)
        parts["detect"].append(who | {"dataset": "things"} | free)
        errors = {"missed": 100 - recall, "nme": 300 / recall, "fr8": 1.0, "auc8": recall / 2}
        landmarks = {"model": "fine", "sha256": "0", "provider": "cpu", "boxes": name}
        parts["boxes"] += [landmarks | {"passes": passes} | errors for passes in (1, 2)]
    for part, rows in parts.items():
        write_rows(folder, part, "Some-CPU-2core", "2020-01-01", rows)
    return folder


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
    paths = report.write(results, tmp_path)
    assert [path.name for path in paths] == ["LEADERBOARD.md", "leaderboard.html", "README.md"]
    text = readme.read_text()
    assert text.startswith("before\n<!-- leaderboard -->\n**68 points")
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


def test_times_in_turns_stand_beside_their_rival(results, tmp_path):
    faster = {"model": "fast", "sha256": "0", "rival": "fine", "rival_sha256": "0", "cpu": "Some CPU"}
    more = [("openvino", 1, 0.5), ("cpu", 2, 0.4), ("cpu", 16, 0.3)]
    figures = [faster | {"provider": p, "threads": t, "ratio": r} for p, t, r in more]
    numbers = {"median_ms": 1.0, "ratio_from": 0.1, "ratio_to": 0.9}
    write_rows(results, "turns", "Some-CPU-2core", "2020-01-02", [row | numbers for row in figures])
    report.write(results, tmp_path)
    text = (tmp_path / "LEADERBOARD.md").read_text()
    rows = text[text.index("## Times in turns") : text.index("## Latency")].splitlines()
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
    row = {"model": "fine", "sha256": "0", "provider": "cpu", "images": 10, "covered": 4, "mae": 1.0}
    write_rows(results, "kaggle", "Some-CPU-2core", "2020-02-02", [row])
    assert [path.name for path in results.glob("kaggle*")] == [
        "kaggle_Some-CPU-2core_cpu_fp32_2020-02-02.csv"
    ]
    scores = {r["model"]: r["mae"] for r in read_rows(results, "kaggle")}
    assert scores == {"fine": "1", "fast": "6", "<b>odd</b>": "9"}


def test_rows_written_twice_stand_once(tmp_path):
    row = {"model": "m", "sha256": "0", "provider": "cpu", "dataset": "d", "scheme": "s", "kind": "clean"}
    for severity in (0, 0.0):
        write_rows(tmp_path, "robustness", "CPU", "2020-01-01", [{**row, "severity": severity, "nme": 3.0}])
    assert len(read_rows(tmp_path, "robustness")) == 1


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
    (tmp_path / "README.md").write_text("<!-- leaderboard -->\n<!-- /leaderboard -->\n")
    report.write(results, tmp_path)
    for name in ("LEADERBOARD.md", "README.md"):
        text = (tmp_path / name).read_text()
        assert all(score in text for score in ("7.24259", "43.04827", "8.079", "7.835")), name
        assert "| fine | **4.00** | 4 of 10 images here |" in text
    assert "| odd" not in (tmp_path / "README.md").read_text().split("Kaggle")[1]


def test_a_model_card_gets_its_figures_between_its_marks(results, tmp_path):
    who = {"model": "fine", "sha256": "0", "provider": "cpu", "dataset": "300w-common", "scheme": "ibug68"}
    figures = {"nme": 4.25, "fr8": 0.0, "score": 0.7, "rank_correlation": None}
    groups = [{"group": group, "faces": faces} | figures for group, faces in (("a", 9), ("all", 99))]
    write_rows(results, "confidence", "Some-CPU-2core", "2020-01-01", [who | group for group in groups])
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
