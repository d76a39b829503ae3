"""Trains the face detector on random scenes."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from fkp.datasets import Sample
from fkp.training.crops import DrawSampler
from fkp.training.detection.evaluate import evaluate
from fkp.training.detection.loss import assign, detection_loss
from fkp.training.detection.pictures import Picture
from fkp.training.detection.recipe import DetectorRecipe
from fkp.training.detection.scenes import face_free_parts, random_scene
from fkp.training.optimise import new_optimiser, rate_factor, warm_ema
from fkp.training.run import Run, RunError, check_same_recipe, save_atomically

_CHECKPOINT_SECONDS = 120
_EXAMPLES = 3  # scenes on which an export is compared with the network


class SceneDataset(Dataset):
    """Random scenes with their targets, drawn by keys (draw, index): a draw seeds its scene."""

    def __init__(self, pictures: Sequence[Picture], recipe: DetectorRecipe) -> None:
        self.pictures, self.recipe = pictures, recipe
        self.parts = face_free_parts(np.random.default_rng(recipe.seed), pictures)

    def __getitem__(self, key: tuple[int, int]) -> tuple[NDArray, NDArray, NDArray]:
        """The picture (side, side, 3), and the boxes (A, 4) and kinds (A,) of its cells."""
        rng = np.random.default_rng([self.recipe.seed, key[0]])
        scene = random_scene(rng, self.pictures, self.parts, self.recipe.side, self.recipe.patterns)
        return scene.image, *assign(scene.boxes, scene.ignored, self.recipe.side)


def averaged_weights(run: Run) -> dict[str, Tensor]:
    """The averaged weights of a run, which are what counts of it.

    Raises:
        RunError: the run has not begun.
    """
    if not run.checkpoint.is_file():
        raise RunError(f"{run.checkpoint} is not there: first run `python -m fkp detector train`")
    average = torch.load(run.checkpoint, map_location="cpu")["average"]
    return {name.removeprefix("module."): v for name, v in average.items() if name != "n_averaged"}


class DetectorTrainer:
    """Trains the detector, or goes on where an interrupted run of it stopped.

    Args:
        recipe: what to train.
        pictures: to make scenes of.
        validation: faces whose pictures measure recall after each epoch.
        folder: of the run, beside that of the run it starts from; made if missing.
        restart: begin anew even where the folder holds a run.
        workers: processes that make scenes beside the training one.

    Raises:
        RunError: the folder holds a run of another version of the recipe, or the run it starts from
            has not begun.
    """

    def __init__(
        self,
        recipe: DetectorRecipe,
        pictures: Sequence[Picture],
        validation: Sequence[Sample],
        folder: Path,
        *,
        restart: bool = False,
        workers: int = 0,
    ) -> None:
        set_seed(recipe.seed)
        self.recipe, self.run, self.validation = recipe, Run(folder), validation
        folder.mkdir(parents=True, exist_ok=True)
        self.accelerator = Accelerator(
            mixed_precision="bf16" if recipe.precision == "bf16" else "no",
            cpu=not torch.accelerator.is_available(),
        )
        self.sampler = DrawSampler(recipe.scenes_per_epoch, recipe.scenes_per_epoch, recipe.seed)
        scenes = SceneDataset(pictures, recipe)
        self.example = torch.from_numpy(np.stack([scenes[i, i][0] for i in range(_EXAMPLES)]))
        self.training_data = {
            "pictures": len(pictures), "faces": int(sum(picture.sure.sum() for picture in pictures))
        }  # fmt: skip
        loader = DataLoader(
            scenes, recipe.batch_size, sampler=self.sampler, num_workers=workers,
            persistent_workers=workers > 0, drop_last=True,
        )  # fmt: skip
        self.model = recipe.build()
        if recipe.initial:
            self.model.load_state_dict(averaged_weights(Run(folder.parent / recipe.initial)))
        self.model = self.model.to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.model, avg_fn=warm_ema(recipe.ema), use_buffers=True)
        optimiser = new_optimiser(recipe, self.model)
        self.wrapped, self.optimiser, self.loader = self.accelerator.prepare(self.model, optimiser, loader)
        self.average.to(self.accelerator.device)
        steps = recipe.epochs * len(self.loader)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, rate_factor(recipe, steps))
        self.history: list[dict[str, float]] = []
        if self.run.checkpoint.is_file() and not restart:
            self._resume()

    @property
    def exported(self) -> nn.Module:
        """The averaged weights, which are validated and exported."""
        return self.average.module

    def train(self) -> Run:
        """Trains the epochs that are left, and returns the finished run."""
        saved = time.monotonic()
        for epoch in range(len(self.history), self.recipe.epochs):
            started = time.monotonic()
            loss = self._train_epoch(epoch)
            self._record(epoch, loss, time.monotonic() - started)
            if epoch + 1 == self.recipe.epochs or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()
        self.accelerator.end_training()
        return self.run

    def _train_epoch(self, epoch: int) -> float:
        self.sampler.epoch = epoch
        self.wrapped.train()
        total = 0.0
        bar = tqdm(
            self.loader, f"{self.recipe.name} {epoch + 1}/{self.recipe.epochs}", leave=False, mininterval=1
        )
        for images, boxes, kinds in bar:
            with self.accelerator.autocast():
                cells = self.wrapped(images)
            loss = detection_loss(cells, boxes, kinds)
            self.accelerator.backward(loss)
            self.accelerator.clip_grad_norm_(self.wrapped.parameters(), self.recipe.clip)
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)
            self.scheduler.step()
            self.average.update_parameters(self.model)
            value = loss.item()
            if not math.isfinite(value):
                raise FloatingPointError(f"the loss became {value} in epoch {epoch + 1}: lower learning_rate")
            total += value
            bar.set_postfix(loss=f"{value:.4g}", refresh=False)
        return total / len(self.loader)

    def _record(self, epoch: int, loss: float, seconds: float) -> None:
        """Validates, and writes the log."""
        found = evaluate(self.exported, self.validation, self.recipe.side)
        self.history.append({"epoch": epoch + 1, "train_loss": loss, "seconds": seconds} | found)
        with (self.run.folder / "log.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, self.history[0].keys())
            writer.writeheader()
            writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in self.history)
        figures = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
        progress = f"{self.recipe.name} epoch {epoch + 1}/{self.recipe.epochs}"
        tqdm.write(f"{progress}: loss {loss:.4g}, {figures}, {seconds:.1f} s")

    def _save(self) -> None:
        parts = {
            "model": self.model, "average": self.average, "optimiser": self.optimiser,
            "scheduler": self.scheduler,
        }  # fmt: skip
        state = {name: part.state_dict() for name, part in parts.items()}
        rest = {
            "recipe": self.recipe.to_dict(), "history": self.history, "training_data": self.training_data,
            "scenes": self.example,
        }  # fmt: skip
        save_atomically(state | rest, self.run.checkpoint)
        (self.run.folder / "config.json").write_text(json.dumps(self.recipe.to_dict(), indent=2))

    def _resume(self) -> None:
        state = torch.load(self.run.checkpoint, map_location="cpu")
        check_same_recipe(state["recipe"], self.recipe, self.run.checkpoint)
        for name in ("model", "average", "optimiser", "scheduler"):
            getattr(self, name).load_state_dict(state[name])
        self.history = state["history"]
