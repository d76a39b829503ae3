"""The training of landmark models: one loop for every recipe, every device and any number of processes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import set_seed
from torch import Tensor

from fkp.datasets import Sample
from fkp.datasets.unit_shapes import unit_shapes
from fkp.models import begin
from fkp.training.crops import CropDataset, DrawSampler, load_crops
from fkp.training.distillation import Teacher
from fkp.training.evaluate import Evaluation, evaluate
from fkp.training.history import record
from fkp.training.plots import plot_cases, plot_curves
from fkp.training.recipe import Recipe
from fkp.training.relabel import relabel
from fkp.training.run import Run, Weights
from fkp.training.trainer import Trainer, new_accelerator

_EXPORT_CHECK_CROPS = 8


class LandmarkTrainer(Trainer):
    """Trains one recipe, or goes on where an interrupted run of it stopped.

    Args:
        recipe: what to train.
        training: data set -> its samples.
        validation: samples that are not trained on.
        folder: of the run; made if missing.
        restart: begin anew even where the folder holds a run.
        workers: processes that vary pictures beside the training one.

    Raises:
        RunError: the folder holds a run of another version of the recipe, or final weights without a
            checkpoint to go on from, or there is no run of its `initial` recipe or its teacher beside it.
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
        self.recipe = recipe
        # Before anything is decoded: they may be missing.
        initial, self.teacher = _initial(recipe, folder.parent), Teacher.of(recipe, folder.parent)
        set_seed(recipe.seed)
        accelerator = new_accelerator(recipe.precision)
        with accelerator.main_process_first():
            samples = [sample for part in training.values() for sample in part]
            crops = load_crops(samples, recipe)
            self.validation = CropDataset(load_crops(validation, recipe), recipe)
        parts = {name: len(samples) for name, samples in training.items()}
        self.training_data = (initial.training_data if initial else {}) | parts
        model = recipe.build()
        if initial is not None:
            layers = model.state_dict().keys()
            model.load_state_dict({name: initial.model[name] for name in initial.model if name in layers})
        crops = relabel(recipe, crops, parts, model if initial else None, folder.parent)
        self.pretrained = recipe.initial or begin(
            model.network, torch.from_numpy(unit_shapes(samples, recipe.margin, recipe.input_size))
        )
        if self.teacher is not None:
            self.teacher.to(accelerator.device)
        faces = len(crops.images)
        super().__init__(
            recipe, model, CropDataset(crops, recipe, recipe.augmentation),
            DrawSampler(faces, recipe.samples_per_epoch or faces, recipe.seed), folder, accelerator,
            restart=restart, workers=workers,
        )  # fmt: skip

    def train(self, until: float = math.inf) -> Run:
        main = self.accelerator.is_main_process
        if main and not self.history:
            record(self.run.folder, 0, self.validation, self._evaluate())
        super().train(until)
        if main and self.finished:
            self.exported.load_state_dict(self.run.load_weights(self.recipe).model)
            plot_cases(self.validation, self._evaluate(), self.run.folder / "cases.png")
        return self.run

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        crops, target = batch
        with self.accelerator.autocast():
            prediction = self.wrapped(crops)
        loss = self.recipe.loss(prediction, target)
        if self.teacher is None:
            return loss
        with self.accelerator.autocast():
            taught = self.teacher(crops)
        share = self.recipe.distillation_weight
        return (1 - share) * loss + share * self.recipe.loss.distance(prediction, taught)

    def _evaluate(self) -> Evaluation:
        return evaluate(self.exported, self.validation, self.accelerator.device)

    def validate(self, epoch: int) -> dict[str, float]:
        evaluation = self._evaluate()
        record(self.run.folder, epoch, self.validation, evaluation)
        best = min((row["val_nme"] for row in self.history), default=math.inf)
        if self.recipe.keep == "last" or evaluation.nme < best:
            crops = [self.validation[0, i][0] for i in range(min(_EXPORT_CHECK_CROPS, len(self.validation)))]
            state = {name: value.cpu() for name, value in self.exported.state_dict().items()}
            self.run.save_weights(
                Weights(
                    recipe=self.recipe.to_dict(), model=state, training_data=self.training_data,
                    validation=evaluation.nme, epoch=epoch, examples=torch.from_numpy(np.stack(crops)),
                    pretrained=self.pretrained,
                )
            )  # fmt: skip
        return {"val_loss": evaluation.loss, "val_nme": evaluation.nme}

    def state(self) -> dict[str, Any]:
        return {"pretrained": self.pretrained}

    def restore(self, state: dict[str, Any]) -> None:
        self.pretrained = state["pretrained"]

    def draw(self) -> None:
        plot_curves(self.history, self.recipe.name, self.run.folder / "curves.png")


def _initial(recipe: Recipe, runs: Path) -> Weights | None:
    """What a recipe's weights start from, whose run is in that folder."""
    if recipe.initial is None:
        return None
    return Run(runs / recipe.initial).read_weights(f"train {recipe.initial}")
