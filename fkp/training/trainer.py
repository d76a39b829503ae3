"""What every training has in common: epochs, averaged weights, the log, resuming after an interruption."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from fkp.atomic import write_text
from fkp.errors import RunError
from fkp.training.config import BaseRecipe
from fkp.training.crops import DrawSampler
from fkp.training.optimizer import new_optimizer, rate_factor, warm_ema
from fkp.training.run import Run, check_same_recipe, read_saved, save

_CHECKPOINT_SECONDS = 120


def new_accelerator(precision: str) -> Accelerator:
    """The available device, or the processes; `precision` is "bf16" or "fp32"."""
    return Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no",
        cpu=not torch.accelerator.is_available(),  # else several CPU processes ignore each other
    )


class Trainer(ABC):
    """Trains a recipe epoch by epoch, or resumes where an interrupted run stopped.

    A subclass has a `fit` that takes its kind of data, calls `_prepare` and then `_train`.

    Args:
        recipe: what to train.
        folder: of the run, beside the runs that it starts from.
        restart: start over even if the folder holds a run.
        workers: processes that make samples beside the training one.
    """

    accelerator: Accelerator
    sampler: DrawSampler
    model: nn.Module
    average: AveragedModel | None

    def __init__(self, recipe: BaseRecipe, folder: Path, *, restart: bool = False, workers: int = 0) -> None:
        self.recipe, self.run, self.restart, self.workers = recipe, Run(folder), restart, workers
        self.history: list[dict[str, float]] = []

    @abstractmethod
    def loss(self, batch: Any) -> Tensor:
        """The mean loss of a batch of the dataset's items."""

    @abstractmethod
    def validate(self, epoch: int) -> dict[str, float]:
        """Figures of `exported` after so many epochs, for the log; keeps weights that are to be kept."""

    def state(self) -> dict[str, Any]:
        """What else a checkpoint holds."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        return

    def draw(self) -> None:
        """Pictures of the run so far, whenever a checkpoint is saved."""
        return

    @property
    def exported(self) -> nn.Module:
        """The weights that are validated and exported: the average where the recipe has one."""
        return self.average.module if self.average is not None else self.model

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained."""
        return len(self.history) == self.recipe.config.epochs

    def check_continues(self) -> None:
        """Raise RunError where training would replace final weights, unless `restart` asks for that."""
        if not self.restart:
            self.run.check_continues(self.recipe.config.epochs)

    def _prepare(self, model: nn.Module, dataset: Dataset, items: int, accelerator: Accelerator) -> None:
        """Make everything that a step needs; resume from the run's checkpoint if there is one.

        Args:
            model: with the weights to start from.
            dataset: of batches' items, drawn by keys (draw, index).
            items: how many indices it has.
            accelerator: see `new_accelerator`.

        Raises:
            RunError: the checkpoint is damaged, or belongs to another version of the recipe.
        """
        config = self.recipe.config
        self.run.folder.mkdir(parents=True, exist_ok=True)
        self.accelerator = accelerator
        self.sampler = DrawSampler(items, config.samples_per_epoch or items, config.seed)
        loader = DataLoader(
            dataset, config.batch_size, sampler=self.sampler, num_workers=self.workers,
            persistent_workers=self.workers > 0, drop_last=config.batch_size <= len(self.sampler),
        )  # fmt: skip
        self.model = model.to(memory_format=torch.channels_last)
        # Made before `prepare`, which teaches the model autocast: the average stays in fp32.
        self.average = (
            AveragedModel(model, avg_fn=warm_ema(config.ema), use_buffers=True) if config.ema else None
        )
        optimizer = new_optimizer(config, model)
        self.wrapped, self.optimizer, self.loader = accelerator.prepare(model, optimizer, loader)
        if self.average is not None:
            self.average.to(accelerator.device)
        steps = config.epochs * len(self.loader)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate_factor(config, steps))
        if self.run.checkpoint.is_file() and not self.restart:
            self._resume()

    def _train(self, until: float) -> Run:
        """Train the remaining epochs, and return the run: finished, or ready to be resumed where
        `time.monotonic()` passed `until`."""
        main = self.accelerator.is_main_process
        saved = time.monotonic()
        for epoch in range(len(self.history), self.recipe.config.epochs):
            started = time.monotonic()
            loss = self._train_epoch(epoch)
            if main:
                self._validate(epoch + 1, loss, time.monotonic() - started)
            late = self._any_process_is_past(until)
            if main:
                # The checkpoint before the log: a run whose log is complete can always be resumed.
                if self.finished or late or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
                self._write_log()
            if late:
                break
        self.accelerator.end_training()
        return self.run

    def _any_process_is_past(self, until: float) -> bool:
        """Whether the time is over somewhere: all processes stop after the same epoch."""
        past = torch.tensor([int(time.monotonic() > until)], device=self.accelerator.device)
        return bool(self.accelerator.gather(past).any())

    def _train_epoch(self, epoch: int) -> float:
        self.sampler.epoch = epoch
        self.wrapped.train()
        total, clip = 0.0, self.recipe.config.clip
        bar = tqdm(
            self.loader, f"{self.recipe.name} {epoch + 1}/{self.recipe.config.epochs}", leave=False,
            mininterval=1, disable=not self.accelerator.is_main_process,
        )  # fmt: skip
        for batch in bar:
            loss = self.loss(batch)
            self.accelerator.backward(loss)
            if clip:
                self.accelerator.clip_grad_norm_(self.wrapped.parameters(), clip)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.scheduler.step()
            if self.average is not None:
                self.average.update_parameters(self.model)
            value = loss.item()
            if not math.isfinite(value):
                raise RunError(f"the loss became {value} in epoch {epoch + 1}: lower learning_rate")
            total += value
            bar.set_postfix(loss=f"{value:.4g}", refresh=False)
        return total / len(self.loader)

    def _validate(self, epoch: int, loss: float, seconds: float) -> None:
        figures = self.validate(epoch)
        rate = float(self.scheduler.get_last_lr()[0])
        self.history.append(
            {"epoch": epoch, "train_loss": loss, **figures, "learning_rate": rate, "seconds": seconds}
        )
        listed = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        progress = f"{self.recipe.name} epoch {epoch}/{self.recipe.config.epochs}"
        tqdm.write(f"{progress}: loss {loss:.4g}, {listed}, {seconds:.1f} s")

    def _write_log(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.history[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in self.history)
        write_text(self.run.log, text.getvalue())

    def _parts(self) -> dict[str, Any]:
        """What a checkpoint holds the state of."""
        parts = {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler}
        return parts if self.average is None else parts | {"average": self.average}

    def _save(self) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        state |= {"recipe": self.recipe.to_dict(), "history": self.history, "rng": torch.get_rng_state()}
        write_text(self.run.folder / "config.json", json.dumps(self.recipe.to_dict(), indent=2))
        save(state | self.state(), self.run.checkpoint)
        self.draw()

    def _resume(self) -> None:
        path = self.run.checkpoint
        state = read_saved(path, self.recipe.command)
        try:
            check_same_recipe(state["recipe"], self.recipe, path)
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
            torch.set_rng_state(state["rng"])
            self.history = list(state["history"])
            self.restore(state)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise RunError(
                f"{path} is damaged or of another version: `python -m fkp {self.recipe.command} --restart` "
                "starts over"
            ) from error
        if self.accelerator.is_main_process:
            self._write_log()  # without epochs that are later than the checkpoint
