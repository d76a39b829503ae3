"""`train --all`: the cheapest recipes first, resumed, passed over when finished, and what is left is said."""

import dataclasses
import itertools

import pytest
from small_runs import SPOT, fit, prepared

import fkp.course_reports  # noqa: F401  registers its recipes
from fkp.__main__ import main
from fkp.errors import RunError
from fkp.training import cli as commands
from fkp.training import queue
from fkp.training.queue import cost, is_finished, work_through
from fkp.training.recipes import RECIPES
from fkp.training.run import Run

SHORT = SPOT.replace(epochs=2)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))


def test_a_run_stops_when_its_time_is_over_and_goes_on_later(tmp_path):
    run = fit(tmp_path, SHORT, until=0)
    assert run.epochs_seen == 1
    assert not is_finished(SHORT, run)
    assert not (run.folder / "cases.png").exists()
    assert len(prepared(tmp_path, SHORT).history) == 1
    assert is_finished(SHORT, fit(tmp_path, SHORT))
    assert not is_finished(SHORT.replace(seed=1), run)
    assert not is_finished(SHORT, Run(tmp_path / "nothing"))


def test_the_cost_counts_epochs_and_samples_and_the_network():
    once = cost(SHORT, faces=10)
    assert cost(SHORT, faces=30) == 3 * once
    assert cost(SHORT.replace(samples_per_epoch=50), faces=10) == 5 * once
    assert cost(SHORT.replace(input_size=(64, 64)), faces=10) > 3 * once


def test_work_goes_on_after_an_error_and_ends_with_the_time(tmp_path, monkeypatch):
    recipes = [SHORT.replace(name=name) for name in ("done", "broken", "good", "late")]
    finished = {"done"}
    monkeypatch.setattr(queue, "is_finished", lambda recipe, run: recipe.name in finished)
    clock = itertools.count(0, 10)  # every reading of the clock is ten seconds later
    monkeypatch.setattr(queue.time, "monotonic", lambda: next(clock))
    begun = []

    def train(recipe, seconds):
        begun.append((recipe.name, seconds))
        if recipe.name == "broken":
            raise RunError("no such picture")
        finished.add(recipe.name)

    left = work_through(recipes, lambda recipe: Run(tmp_path / recipe.name), train, seconds=30)
    assert begun == [("broken", 20), ("good", 10)]
    assert [str(entry) for entry in left] == [
        "broken: 0 of 2 epochs; no such picture",
        "late: 0 of 2 epochs",
    ]


def test_the_command_trains_all_and_says_what_is_left(tmp_path, fake_root, monkeypatch, capsys):
    small = SHORT.replace(train=("imm-train",), validation="imm-val", epochs=1, batch_size=2)
    recipes = {name: small.replace(name=name) for name in ("one", "two")}
    monkeypatch.setattr(commands, "RECIPES", recipes)
    monkeypatch.setattr(commands, "get_recipe", recipes.__getitem__)
    monkeypatch.setattr(
        commands,
        "_train_apart",
        lambda args, root, recipe, _: commands._train_one(args, root, recipe, 0),
    )
    words = ["train", "--all", "--data", str(fake_root()), "--runs", str(tmp_path / "runs")]
    assert main([*words, "--budget", "0"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["0 of 2 recipes are trained", "left: one: 0 of 1 epochs", "left: two: 0 of 1 epochs"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 2 recipes are trained"


def test_one_recipe_with_no_time_left_says_how_far_it_came(tmp_path, fake_root, monkeypatch, capsys):
    recipe = SHORT.replace(train=("imm-train",), validation="imm-val", batch_size=2)
    monkeypatch.setattr(commands, "get_recipe", lambda name: recipe)
    words = ["train", "report000-nose", "--data", str(fake_root()), "--runs", str(tmp_path / "runs")]
    assert main([*words, "--budget", "0"]) == 0
    assert "left: spot: 1 of 2 epochs" in capsys.readouterr().out
    assert main(words) == 0
    assert "trained; see" in capsys.readouterr().out


def test_a_recipe_apart_is_another_process_that_tells_of_its_failure(tmp_path, capfd):
    words = ["train", "--all", "--data", str(tmp_path), "--runs", str(tmp_path / "runs"), "--budget", "1"]
    name = next(iter(RECIPES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "RECIPES", {name: RECIPES[name]})
        assert main(words) == 1
    out, err = capfd.readouterr()
    assert (
        f"left: {name}: 0 of {RECIPES[name].config.epochs} epochs; it failed with exit code 2, see above"
        in out
    )
    assert "needs" in err  # of the missing data set


def test_final_weights_without_a_checkpoint_are_replaced_only_on_request(
    tmp_path, fake_root, monkeypatch, capsys
):
    recipe = SHORT.replace(train=("imm-train",), validation="imm-val", batch_size=2, epochs=1)
    monkeypatch.setattr(commands, "RECIPES", {"spot": recipe})
    monkeypatch.setattr(commands, "get_recipe", lambda name: recipe)
    words = ["train", "spot", "--data", str(fake_root()), "--runs", str(tmp_path / "runs")]
    assert main(words) == 0
    run = Run(tmp_path / "runs" / "spot")
    run.checkpoint.unlink()
    with pytest.raises(RunError, match="--restart"):
        prepared(tmp_path, recipe, "runs/spot")
    run.log.unlink()
    run.save_weights(dataclasses.replace(run.load_weights(recipe), final=True))
    before = run.weights.read_bytes()
    capsys.readouterr()
    assert main(words) == 2
    assert f"error: {run.weights} was recovered from a file" in capsys.readouterr().err
    assert run.weights.read_bytes() == before
    assert main(["train", "--all", *words[2:]]) == 0
    assert capsys.readouterr().out == "1 of 1 recipes are trained\n"
    assert main([*words, "--restart"]) == 0
    assert run.checkpoint.is_file()


def test_a_run_that_was_interrupted_before_its_first_checkpoint_begins_anew(tmp_path):
    run = fit(tmp_path, SHORT, until=0)
    run.checkpoint.unlink()
    assert prepared(tmp_path, SHORT).history == []


def test_one_name_or_all(capsys):
    with pytest.raises(SystemExit):
        main(["train"])
    with pytest.raises(SystemExit):
        main(["train", "--all", "report000-nose"])
    assert "not allowed with" in capsys.readouterr().err
