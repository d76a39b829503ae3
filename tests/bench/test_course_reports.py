"""The experiments of the five reports: what is measured, kept and drawn, and the page that tells of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from fake_data import write_fake_data
from onnx_models import make_spec, save_constant_model, save_indexed_model
from PIL import Image

from bench import report
from bench.__main__ import main
from bench.cache import Cache
from bench.candidates import find_candidates
from bench.course_reports import experiments, figures, measure, page, runs
from bench.course_reports.facts import SERIES, Facts
from bench.course_reports.rows import CollapseRow, ViewRow, keep, read
from bench.faces import TestSet
from bench.report.result_set import ResultSet
from bench.results import to_csv
from bench.rows import AccuracyRow
from fkp.history import PredictionHistory

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FKP_DATA", raising=False)


@pytest.fixture
def predictions(tmp_path):
    return measure.Predictions(Cache(tmp_path / "predictions"))


def constant(folder: Path, name: str, scheme: str, points=None):
    path = save_constant_model(folder, make_spec(name, scheme), points)
    (candidate,), _ = find_candidates([str(path)], ["cpu"], 1)
    return candidate


def test_a_turn_has_a_side():
    sides = [measure.side(degrees) for degrees in (-40, -20, 0, 20, 40)]
    assert sides == ["far left", "half left", "ahead", "half right", "far right"]


def test_a_model_that_always_predicts_the_mean_has_no_slope(tmp_path, fake_root, predictions):
    root = fake_root()
    test_set = TestSet("imm-val", root)
    mean = measure.unit_shapes(measure.load("imm-train", root), make_spec("m", "imm58").margin).mean(axis=0)
    (row,) = measure.shrinking(predictions, [constant(tmp_path, "m", "imm58", mean)], test_set, "imm-train")
    assert row.slope == pytest.approx(0, abs=0.02)
    assert row.size == pytest.approx(1, abs=0.05)
    (small,) = measure.shrinking(
        predictions, [constant(tmp_path, "s", "imm58", (mean - 0.5) / 2 + 0.5)], test_set, "imm-train"
    )
    assert small.size == pytest.approx(row.size / 2, rel=0.01)


def test_predictions_are_kept(tmp_path, fake_root, monkeypatch):
    candidate = constant(tmp_path, "m", "imm58")
    test_set, cache = TestSet("imm-val", fake_root()), Cache(tmp_path / "predictions")
    first = measure.Predictions(cache)([candidate], test_set)["m"]
    assert first.shape == (1, 58, 2)
    monkeypatch.setattr(measure, "predict", lambda *_: pytest.fail("asked again"))
    np.testing.assert_array_equal(measure.Predictions(cache)([candidate], test_set)["m"], first)


def test_all_components_hold_all_of_the_variance(fake_root):
    faces = {"imm-train": measure.load("imm-train", fake_root())}  # three faces: two components
    shares = {(r.crops, r.components): r.share for r in measure.variance(faces)}
    assert shares["plain", 2] == pytest.approx(1)
    assert shares["plain", 1] < 1
    assert ("varied", 2) in shares


def write_run(folder: Path, name: str, epochs: int, scheme: str = "imm58") -> None:
    run = folder / name
    run.mkdir(parents=True)
    recipe = {
        "summary": f"58 points; {name}", "source": f"{name.replace('report', 'report ')[:10]}: words",
        "validation": "imm-val",
        "config": {"epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "samples_per_epoch": None},
    }  # fmt: skip
    (run / "config.json").write_text(json.dumps(recipe))
    with (run / "log.csv").open("w", newline="") as file:
        columns = ["epoch", "train_loss", "val_loss", "val_nme", "learning_rate", "seconds"]
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([[e + 1, 0.5 / (e + 1), 0.4 / (e + 1), 9 - e, 1e-3, 60] for e in range(epochs)])
    points = np.random.default_rng(0).uniform(0.2, 0.8, (epochs + 1, 4, 58, 2)).astype(np.float32)
    PredictionHistory(np.arange(epochs + 1), points, points[-1]).save(run)


def test_a_run_in_one_row(tmp_path):
    write_run(tmp_path, "report002-mirror", 2)
    (tmp_path / "report009-half").mkdir()  # a run that has only begun
    ((name, run),) = runs.read_runs(tmp_path, ["report002-mirror", "report009-half", "nothing"]).items()
    row = runs.summary_row(name, run)
    assert (row.epochs, row.of_epochs, row.best_epoch) == (2, 3, 2)
    assert row.minutes == pytest.approx(2)
    assert row.last_nme == 8


def test_kept_rows_stay_and_measured_ones_replace_them(tmp_path):
    def row(model: str, width: float) -> CollapseRow:
        return CollapseRow(model=model, sha256="0", dataset="d", width=width)

    keep(tmp_path, [row("a", 1.0), row("b", 2.0)])
    keep(tmp_path, [row("b", 3.0)])
    assert read(tmp_path, CollapseRow) == [row("a", 1.0), row("b", 3.0)]


def test_nothing_measured_writes_nothing(tmp_path):
    assert keep(tmp_path, []) is None
    assert not list(tmp_path.iterdir())


@pytest.fixture
def measured(tmp_path, rng) -> Path:
    """The folder after `python -m bench experiments` on made-up data, runs and models."""
    pytest.importorskip("matplotlib")
    write_fake_data(tmp_path / "data", rng, 12)
    for name in ("report002-mirror", "report002-mirror-wrong"):
        write_run(tmp_path / "runs", name, 3)
    models = [
        save_constant_model(tmp_path, make_spec("report002-mirror", "imm58")),
        save_constant_model(tmp_path, make_spec("report002-mirror-wrong", "imm58"), np.full((58, 2), 0.5)),
        save_constant_model(tmp_path, make_spec("report003-resnet18", "ibug68")),
        save_constant_model(tmp_path, make_spec("report001-nose", "nose1")),
    ]
    words = ["experiments", "--models", *map(str, models), "--data", str(tmp_path / "data")]
    out = tmp_path / "docs" / "reports"
    assert main([*words, "--runs", str(tmp_path / "runs"), "--out", str(out)]) == 0
    return out


def test_the_command_measures_and_draws(measured):
    names = {path.name for path in measured.iterdir()}
    assert names >= {
        "runs.csv", "curves.csv", "curves-002.png", "training-report002-mirror-wrong.gif", "variance.csv",
        "sides.csv", "turn.csv", "view.csv", "shrinking.csv", "squared.csv", "collapse.csv", "mirror.png",
        "modes.png",
    }  # fmt: skip
    widths = {row.model: row.width for row in read(measured, CollapseRow)}
    assert widths["report002-mirror-wrong"] == 0  # all its points are one
    assert widths["report002-mirror"] > 0.3
    views = {(row.model, row.view) for row in read(measured, ViewRow)}
    assert ("report001-nose", "neutral") in views  # the only one of the made-up faces
    for path in measured.glob("*.png"):
        with Image.open(path) as image:
            assert image.mode == "P", f"{path.name} has no palette"


def test_the_page_tells_what_was_measured(measured, tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_MODELS", str(tmp_path / "none"))
    results = ResultSet.read(tmp_path)
    text = page.page(results, measured)
    assert "{" not in text
    assert "| report002-mirror: report002-mirror | 3 | 7.00 |" in text
    assert "0.00 times as wide" in " ".join(text.split())
    assert "(reports/mirror.png)" in text
    assert "curves-001" not in text  # a picture that is not there
    assert "report 004, as reported" in text  # among what is missing
    assert page.page(results, measured) == text


def test_a_row_of_a_model_that_has_changed_is_left_out(tmp_path, monkeypatch):
    models = tmp_path / "models"
    models.mkdir()
    save_indexed_model(models, make_spec("report002-mirror", "imm58"))
    monkeypatch.setenv("FKP_MODELS", str(models))
    rows = [
        CollapseRow(model="report002-mirror", sha256="another", dataset="imm-val", width=0.5),
        CollapseRow(model="report002-mirror-wrong", sha256="unknown", dataset="imm-val", width=0.1),
    ]
    keep(tmp_path, rows)
    facts = Facts.read(ResultSet.read(tmp_path), tmp_path)
    assert facts.width("report002-mirror") == "(not measured)"
    assert facts.width("report002-mirror-wrong") == "0.10"


def test_the_page_says_what_the_reports_claimed(tmp_path):
    text = page.page(ResultSet.read(tmp_path), tmp_path)
    claims = ("0.00054", "8.079482", "7.24259", "7.8349", "43.04827", "99 %", "19")
    assert all(claim in text for claim in claims)


def test_the_committed_page_is_what_the_committed_figures_say():
    """Fail where results were added without `python -m bench report`."""
    folder = ROOT / "docs" / page.FOLDER
    text = page.page(ResultSet.read(ROOT / "bench" / "results"), folder)
    assert (folder.parent / "reports.md").read_text(encoding="utf-8") == text


def test_committed_pictures_are_small():
    files = sorted((ROOT / "docs" / page.FOLDER).iterdir())
    for path in files:
        limit = 300_000 if path.suffix == ".gif" else 64_000
        assert path.stat().st_size <= limit, path.name


def test_every_recipe_of_the_reports_belongs_to_an_experiment():
    pytest.importorskip("fkp.course_reports")  # registers its recipes
    from fkp.training.recipes import RECIPES

    names = {name for name, recipe in RECIPES.items() if recipe.series == SERIES}
    assert names
    shown = [experiments.pick(names, p) for e in experiments.EXPERIMENTS.values() for p in e.values()]
    assert sorted(name for part in shown for name in part) == sorted(names)


def test_the_group_is_three_people_that_haar_finds():
    photo = figures._group_photo(figures.load_image(figures.PORTRAIT))
    assert len(figures.HaarDetector().detect(photo).boxes) == 3


def test_the_report_writes_the_page_where_experiments_were_measured(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    names = {"model": "m", "sha256": "a", "provider": "cpu", "dataset": "imm-val", "scheme": "imm58"}
    row = AccuracyRow(**names, boxes="truth", missed=0, nme=3, mae=2, fr8=0, auc8=50)
    (results / "accuracy_X_cpu_fp32_2026-01-02.csv").write_text(to_csv([row]))
    assert tmp_path / "docs" / "reports.md" not in report.write(results, tmp_path)
    (tmp_path / "docs" / "reports").mkdir(parents=True)
    assert tmp_path / "docs" / "reports.md" in report.write(results, tmp_path)
