"""The training of landmark models: one loop for every recipe, every device and any number of processes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import set_seed
from torch import Tensor

from fkp.datasets import Sample
from fkp.datasets.unit_shapes import unit_shapes
from fkp.models import initialize
from fkp.training.crops import CropDataset, load_crops
from fkp.training.distillation import Teacher
from fkp.training.evaluate import Evaluation, evaluate
from fkp.training.history import record
from fkp.training.plots import plot_cases, plot_curves
from fkp.training.recipe import Recipe
from fkp.training.relabel import relabel
from fkp.training.run import Run, Weights, fill
from fkp.training.trainer import Trainer, new_accelerator

_EXPORT_CHECK_CROPS = 8
_TEACHER_SHARE = 0.5  # of the loss


class LandmarkTrainer(Trainer):
    """Trains landmark recipes, see `Trainer`."""

    recipe: Recipe

    def prepare(self, training: Mapping[str, list[Sample]], validation: list[Sample]) -> None:
        """Make the network and its crops; resume an interrupted run.

        Args:
            training: data set -> its samples.
            validation: samples that are not trained on.

        Raises:
            RunError: the folder holds a run of another version of the recipe, a damaged one, or final weights
                without a checkpoint to continue from, or the run of its `initial` recipe or of its teacher is
                not beside it.
            UsageError: its teacher cannot teach it.
        """
        recipe, runs = self.recipe, self.run.folder.parent
        # Before anything is decoded: they may be missing.
        self.check_continues()
        initial, self.teacher = _initial(recipe, runs), Teacher.of(recipe, runs)
        set_seed(recipe.config.seed)
        accelerator = new_accelerator(recipe.config.precision)
        with accelerator.main_process_first():
            samples = [sample for part in training.values() for sample in part]
            crops = load_crops(samples, recipe)
            self.validation = CropDataset(load_crops(validation, recipe), recipe)
        parts = {name: len(samples) for name, samples in training.items()}
        self.training_data = (initial.training_data if initial else {}) | parts
        model = recipe.build()
        if initial is not None:
            layers = model.state_dict().keys()
            shared = {name: value for name, value in initial.model.items() if name in layers}
            fill(model, shared, Run(runs / str(recipe.initial)).weights)
        crops = relabel(recipe, crops, parts, model if initial else None, runs)
        self.pretrained = recipe.initial or initialize(
            model.network, torch.from_numpy(unit_shapes(samples, recipe.margin, recipe.input_size))
        )
        if self.teacher is not None:
            self.teacher.to(accelerator.device)
        self._prepare(model, CropDataset(crops, recipe, recipe.augmentation), len(crops.images), accelerator)

    def fit(
        self, training: Mapping[str, list[Sample]], validation: list[Sample], until: float = math.inf
    ) -> Run:
        """Train until all epochs are over, or `time.monotonic()` has passed `until`; see `prepare`."""
        self.prepare(training, validation)
        main = self.accelerator.is_main_process
        if main and not self.history:
            record(self.run.folder, 0, self.validation, self._evaluate())
        self._train(until)
        if main and self.finished:
            self.run.load_into(self.exported, self.recipe)
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
        distance = self.recipe.loss.distance(prediction, taught)
        return (1 - _TEACHER_SHARE) * loss + _TEACHER_SHARE * distance

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
