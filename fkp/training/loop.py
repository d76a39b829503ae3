"""The training loop: one for every recipe, every device and any number of processes."""

from __future__ import annotations

import csv
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader
from tqdm import tqdm

from fkp.datasets import Sample
from fkp.datasets.shapes import unit_shapes
from fkp.models import KeypointModel, Prediction, begin
from fkp.training.catalogue import get_recipe
from fkp.training.crops import CropDataset, DrawSampler, load_crops
from fkp.training.dynamics import record
from fkp.training.evaluate import Evaluation, evaluate
from fkp.training.optimise import new_optimiser, rate_factor, warm_ema
from fkp.training.plots import plot_cases, plot_curves
from fkp.training.recipe import Recipe
from fkp.training.run import Run, Weights, check_same_recipe, save_atomically

_CHECKPOINT_SECONDS = 120
_EXPORT_CHECK_CROPS = 8


class Trainer:
    """Trains one recipe, or goes on where an interrupted run of it stopped.

    Args:
        recipe: what to train.
        training: data set -> its samples.
        validation: samples that are not trained on.
        folder: of the run; made if missing.
        restart: begin anew even where the folder holds a run.
        workers: processes that vary pictures beside the training one.

    Raises:
        RunError: the folder holds a run of another version of the recipe, or there is no run of its `initial`
            recipe or its teacher beside it.
        ValueError: its teacher cannot teach it.
    """

    def __init__(
        self,
        recipe: Recipe,
        training: dict[str, list[Sample]],
        validation: list[Sample],
        folder: Path,
        *,
        restart: bool = False,
        workers: int = 0,
    ) -> None:
        set_seed(recipe.seed)
        self.recipe, self.run = recipe, Run(folder)
        self.accelerator = Accelerator(
            mixed_precision="bf16" if recipe.precision == "bf16" else "no",
            cpu=not torch.accelerator.is_available(),  # else several CPU processes ignore each other
        )
        folder.mkdir(parents=True, exist_ok=True)
        with self.accelerator.main_process_first():
            samples = [sample for part in training.values() for sample in part]
            crops = load_crops(samples, recipe)
            self.validation = CropDataset(load_crops(validation, recipe), recipe)
        self.training_data = {name: len(samples) for name, samples in training.items()}

        self.sampler = DrawSampler(
            len(crops.images), recipe.samples_per_epoch or len(crops.images), recipe.seed
        )
        loader = DataLoader(
            CropDataset(crops, recipe, recipe.augmentation),
            recipe.batch_size,
            sampler=self.sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            drop_last=recipe.batch_size <= len(self.sampler),
        )
        self.model = recipe.build()
        if recipe.initial:
            self.model.load_state_dict(Run(folder.parent / recipe.initial).read_weights(recipe.initial).model)
            self.pretrained = recipe.initial
        else:
            shapes = unit_shapes(samples, recipe.margin, recipe.input_size)
            self.pretrained = begin(self.model.network, torch.from_numpy(shapes))
        self.model.to(memory_format=torch.channels_last)
        self.teacher = _teacher(recipe, folder.parent)
        if self.teacher is not None:
            self.teacher.to(self.accelerator.device)
        # Made before `prepare`, which teaches the model autocast: the average stays in fp32.
        self.average = (
            AveragedModel(self.model, avg_fn=warm_ema(recipe.ema), use_buffers=True) if recipe.ema else None
        )
        optimiser = new_optimiser(recipe, self.model)
        self.wrapped, self.optimiser, self.loader = self.accelerator.prepare(self.model, optimiser, loader)
        if self.average is not None:
            self.average.to(self.accelerator.device)
        steps = recipe.epochs * len(self.loader)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, rate_factor(recipe, steps))
        self.history: list[dict[str, float]] = []
        if self.run.checkpoint.is_file() and not restart:
            self._resume()

    @property
    def exported(self) -> nn.Module:
        """The weights that are validated and exported: the average where the recipe has one."""
        return self.average.module if self.average is not None else self.model

    def train(self, until: float = math.inf) -> Run:
        """Trains the epochs that are left, and returns the run: finished, or ready to be resumed where
        `time.monotonic()` passed `until`."""
        main = self.accelerator.is_main_process
        saved = time.monotonic()
        if main and not self.history:
            record(self.run.folder, 0, self.validation, self._evaluate())
        for epoch in range(len(self.history), self.recipe.epochs):
            started = time.monotonic()
            loss = self._train_epoch(epoch)
            seconds = time.monotonic() - started
            if main:
                self._record(epoch, loss, seconds)
            late = self._any_process_is_past(until)
            if main:
                last = epoch + 1 == self.recipe.epochs
                if last or late or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
            if late:
                break
        if main and len(self.history) == self.recipe.epochs:
            self.exported.load_state_dict(self.run.load_weights(self.recipe).model)
            plot_cases(self.validation, self._evaluate(), self.run.folder / "cases.png")
        self.accelerator.end_training()
        return self.run

    def _any_process_is_past(self, until: float) -> bool:
        """Whether the time is over somewhere: all processes stop after the same epoch."""
        past = torch.tensor([int(time.monotonic() > until)], device=self.accelerator.device)
        return bool(self.accelerator.gather(past).any())

    def _train_epoch(self, epoch: int) -> float:
        self.sampler.epoch = epoch
        self.wrapped.train()
        total = 0.0
        bar = tqdm(
            self.loader, f"{self.recipe.name} {epoch + 1}/{self.recipe.epochs}", leave=False, mininterval=1,
            disable=not self.accelerator.is_main_process,
        )  # fmt: skip
        for crops, target, _ in bar:
            with self.accelerator.autocast():
                prediction = self.wrapped(crops)
            loss = self.recipe.loss(prediction, target)
            if self.teacher is not None:
                share = self.recipe.teaching
                loss = (1 - share) * loss + share * self.recipe.loss.distance(prediction, self._taught(crops))
            self.accelerator.backward(loss)
            if self.recipe.clip:
                self.accelerator.clip_grad_norm_(self.wrapped.parameters(), self.recipe.clip)
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)
            self.scheduler.step()
            if self.average is not None:
                self.average.update_parameters(self.model)
            value = loss.item()
            if not math.isfinite(value):
                raise FloatingPointError(f"the loss became {value} in epoch {epoch + 1}: lower learning_rate")
            total += value
            bar.set_postfix(loss=f"{value:.4g}", refresh=False)
        return total / len(self.loader)

    @torch.no_grad()
    def _taught(self, crops: Tensor) -> Prediction:
        assert self.teacher is not None
        with self.accelerator.autocast():
            return self.teacher(crops)

    def _evaluate(self) -> Evaluation:
        return evaluate(self.exported, self.validation, self.accelerator.device)

    def _record(self, epoch: int, train_loss: float, seconds: float) -> None:
        """Validates, keeps the weights if they are to be kept, and writes the log."""
        evaluation = self._evaluate()
        record(self.run.folder, epoch + 1, self.validation, evaluation)
        best = min((row["val_nme"] for row in self.history), default=math.inf)
        rate = float(self.scheduler.get_last_lr()[0])
        self.history.append(
            {
                "epoch": epoch + 1, "train_loss": train_loss, "val_loss": evaluation.loss,
                "val_nme": evaluation.nme, "learning_rate": rate, "seconds": seconds,
            }
        )  # fmt: skip
        if self.recipe.keep == "last" or evaluation.nme < best:
            crops = [self.validation[0, i][0] for i in range(min(_EXPORT_CHECK_CROPS, len(self.validation)))]
            state = {name: value.cpu() for name, value in self.exported.state_dict().items()}
            self.run.save_weights(
                Weights(
                    recipe=self.recipe.to_dict(), model=state, training_data=self.training_data,
                    validation_nme=evaluation.nme, epoch=epoch + 1, crops=torch.from_numpy(np.stack(crops)),
                    pretrained=self.pretrained,
                )
            )  # fmt: skip
        with (self.run.folder / "log.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, self.history[0].keys())
            writer.writeheader()
            writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in self.history)
        tqdm.write(
            f"{self.recipe.name} epoch {epoch + 1}/{self.recipe.epochs}: loss {train_loss:.4g}, "
            f"validation {evaluation.loss:.4g}, NME {evaluation.nme:.3f} %, {seconds:.1f} s"
        )

    def _save(self) -> None:
        parts = {"model": self.model, "optimiser": self.optimiser, "scheduler": self.scheduler}
        if self.average is not None:
            parts["average"] = self.average
        state = {name: part.state_dict() for name, part in parts.items()}
        state["recipe"], state["pretrained"] = self.recipe.to_dict(), self.pretrained
        state["history"], state["rng"] = self.history, torch.get_rng_state()
        save_atomically(state, self.run.checkpoint)
        plot_curves(self.history, self.recipe.name, self.run.folder / "curves.png")
        (self.run.folder / "config.json").write_text(json.dumps(self.recipe.to_dict(), indent=2))

    def _resume(self) -> None:
        state = torch.load(self.run.checkpoint, map_location="cpu")
        check_same_recipe(state["recipe"], self.recipe, self.run.checkpoint)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scheduler.load_state_dict(state["scheduler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        torch.set_rng_state(state["rng"])
        self.history = state["history"]
        self.pretrained = state.get("pretrained", self.pretrained)


def _teacher(recipe: Recipe, runs: Path) -> KeypointModel | None:
    """The trained network of a recipe's teacher, whose run is in that folder."""
    if recipe.teacher is None:
        return None
    teacher = get_recipe(recipe.teacher)
    seen = [(one.scheme, one.input_size, one.margin) for one in (teacher, recipe)]
    if seen[0] != seen[1]:
        raise ValueError(f"{teacher.name} cannot teach {recipe.name}: its crops or its points are others")
    model = teacher.build()
    model.load_state_dict(Run(runs / teacher.name).load_weights(teacher).model)
    return model.eval().to(memory_format=torch.channels_last)
