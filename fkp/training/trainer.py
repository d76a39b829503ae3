"""What every training has in common: epochs, averaged weights, the log, going on after an interruption."""

from __future__ import annotations

import csv
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

from fkp.errors import RunError
from fkp.training.crops import DrawSampler
from fkp.training.optimizer import TrainingSettings, new_optimizer, rate_factor, warm_ema
from fkp.training.run import Run, check_same_recipe, save_atomically

_CHECKPOINT_SECONDS = 120


def new_accelerator(precision: str) -> Accelerator:
    """The device, or the processes, that there are; `precision` is "bf16" or "fp32"."""
    return Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no",
        cpu=not torch.accelerator.is_available(),  # else several CPU processes ignore each other
    )


class Trainer(ABC):
    """Trains a network epoch by epoch, or goes on where an interrupted run stopped.

    Args:
        recipe: how to step, and for how long.
        model: with the weights to start from.
        dataset: of batches' items, drawn by the keys of `sampler`.
        sampler: what an epoch shows.
        folder: of the run; made if missing.
        accelerator: see `new_accelerator`.
        restart: begin anew even where the folder holds a run.
        workers: processes that make items beside the training one.

    Raises:
        RunError: the folder holds a run of another version of the recipe, or final weights without a
            checkpoint to go on from.
    """

    def __init__(
        self,
        recipe: TrainingSettings,
        model: nn.Module,
        dataset: Dataset,
        sampler: DrawSampler,
        folder: Path,
        accelerator: Accelerator,
        *,
        restart: bool,
        workers: int,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.schooling, self.run, self.accelerator, self.sampler = recipe, Run(folder), accelerator, sampler
        loader = DataLoader(
            dataset, recipe.batch_size, sampler=sampler, num_workers=workers,
            persistent_workers=workers > 0, drop_last=recipe.batch_size <= len(sampler),
        )  # fmt: skip
        self.model = model.to(memory_format=torch.channels_last)
        # Made before `prepare`, which teaches the model autocast: the average stays in fp32.
        self.average = (
            AveragedModel(model, avg_fn=warm_ema(recipe.ema), use_buffers=True) if recipe.ema else None
        )
        optimizer = new_optimizer(recipe, model)
        self.wrapped, self.optimizer, self.loader = accelerator.prepare(model, optimizer, loader)
        if self.average is not None:
            self.average.to(accelerator.device)
        steps = recipe.epochs * len(self.loader)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate_factor(recipe, steps))
        self.history: list[dict[str, float]] = []
        if not restart:
            self.run.check_continues(recipe.epochs)
            if self.run.checkpoint.is_file():
                self._resume()

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
        """Takes back what `state` gave."""
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
        return len(self.history) == self.schooling.epochs

    def train(self, until: float = math.inf) -> Run:
        """Trains the epochs that are left, and returns the run: finished, or ready to be resumed where
        `time.monotonic()` passed `until`."""
        main = self.accelerator.is_main_process
        saved = time.monotonic()
        for epoch in range(len(self.history), self.schooling.epochs):
            started = time.monotonic()
            loss = self._train_epoch(epoch)
            if main:
                self._log(epoch + 1, loss, time.monotonic() - started)
            late = self._any_process_is_past(until)
            if main and (self.finished or late or time.monotonic() - saved > _CHECKPOINT_SECONDS):
                self._save()
                saved = time.monotonic()
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
        total = 0.0
        bar = tqdm(
            self.loader, f"{self.schooling.name} {epoch + 1}/{self.schooling.epochs}", leave=False,
            mininterval=1, disable=not self.accelerator.is_main_process,
        )  # fmt: skip
        for batch in bar:
            loss = self.loss(batch)
            self.accelerator.backward(loss)
            if self.schooling.clip:
                self.accelerator.clip_grad_norm_(self.wrapped.parameters(), self.schooling.clip)
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

    def _log(self, epoch: int, loss: float, seconds: float) -> None:
        figures = self.validate(epoch)
        rate = float(self.scheduler.get_last_lr()[0])
        self.history.append(
            {"epoch": epoch, "train_loss": loss, **figures, "learning_rate": rate, "seconds": seconds}
        )
        with self.run.log.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.history[0].keys())
            writer.writeheader()
            writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in self.history)
        said = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        progress = f"{self.schooling.name} epoch {epoch}/{self.schooling.epochs}"
        tqdm.write(f"{progress}: loss {loss:.4g}, {said}, {seconds:.1f} s")

    def _save(self) -> None:
        parts = {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler}
        if self.average is not None:
            parts["average"] = self.average
        state = {name: part.state_dict() for name, part in parts.items()}
        state |= {"recipe": self.schooling.to_dict(), "history": self.history, "rng": torch.get_rng_state()}
        save_atomically(state | self.state(), self.run.checkpoint)
        self.draw()
        (self.run.folder / "config.json").write_text(json.dumps(self.schooling.to_dict(), indent=2))

    def _resume(self) -> None:
        state = torch.load(self.run.checkpoint, map_location="cpu")
        check_same_recipe(state["recipe"], self.schooling, self.run.checkpoint)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        torch.set_rng_state(state["rng"])
        self.history = state["history"]
        self.restore(state)
