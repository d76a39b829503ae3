"""Trains the face detector on random scenes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from accelerate.utils import set_seed
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fkp.datasets import Sample
from fkp.errors import RunError
from fkp.training.detection.evaluate import evaluate
from fkp.training.detection.loss import assign, detection_loss
from fkp.training.detection.recipe import DetectorRecipe
from fkp.training.detection.scenes import face_free_parts, random_scene
from fkp.training.detection.sources import Picture, Pictures
from fkp.training.run import Run, Weights, fill
from fkp.training.trainer import Trainer, new_accelerator

_EXAMPLES = 3  # scenes on which an export is compared with the network


class SceneDataset(Dataset):
    """Random scenes with their targets, drawn by keys (draw, index): a draw seeds its scene."""

    def __init__(self, pictures: Sequence[Picture], recipe: DetectorRecipe) -> None:
        self.pictures, self.recipe = pictures, recipe
        self.parts = face_free_parts(np.random.default_rng(recipe.config.seed), pictures)

    def __getitem__(self, key: tuple[int, int]) -> tuple[NDArray, NDArray, NDArray]:
        """The picture (side, side, 3), and the boxes (A, 4) and kinds (A,) of its cells."""
        rng = np.random.default_rng([self.recipe.config.seed, key[0]])
        scene = random_scene(rng, self.pictures, self.parts, self.recipe)
        return scene.image, *assign(scene.boxes, scene.ignored, self.recipe.side)


class DetectorTrainer(Trainer):
    """Trains detector recipes, see `Trainer`."""

    recipe: DetectorRecipe

    def prepare(self, pictures: Pictures, validation: Sequence[Sample]) -> None:
        """Make the network and its scenes; resume an interrupted run.

        Args:
            pictures: to make scenes of; the unseen ones measure false boxes after each epoch.
            validation: faces whose pictures measure recall.

        Raises:
            RunError: the folder holds a run of another version of the recipe, a damaged one, or final weights
                without a checkpoint to continue from, the run it starts from has not begun, or negatives
                are needed and there are none.
        """
        recipe = self.recipe
        self.check_continues()
        set_seed(recipe.config.seed)
        if recipe.negatives and not pictures.negatives:
            raise RunError(f"{recipe.name} needs negatives: see `python -m fkp data negatives --help`")
        model = recipe.build()
        if recipe.initial:  # before scenes are made: it may be missing
            before = Run(self.run.folder.parent / recipe.initial)
            fill(model, before.read_weights(recipe.command).model, before.weights)
        self.validation, self.negatives = validation, pictures.unseen_negatives
        shown = pictures.people + (pictures.negatives if recipe.negatives else [])
        scenes = SceneDataset(shown, recipe)
        self.examples = torch.from_numpy(np.stack([scenes[i, i][0] for i in range(_EXAMPLES)]))
        self.training_data = {
            "pictures": len(shown), "faces": int(sum(picture.sure.sum() for picture in shown))
        }  # fmt: skip
        self._prepare(model, scenes, len(shown), new_accelerator(recipe.config.precision))

    def fit(self, pictures: Pictures, validation: Sequence[Sample]) -> Run:
        """Train until all epochs are over; see `prepare`."""
        self.prepare(pictures, validation)
        return self._train(math.inf)

    def loss(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        images, boxes, kinds = batch
        with self.accelerator.autocast():
            cells = self.wrapped(images)
        return detection_loss(cells, boxes, kinds)

    def validate(self, epoch: int) -> dict[str, float]:
        figures = evaluate(self.exported, self.validation, self.negatives)
        state = {name: value.cpu() for name, value in self.exported.state_dict().items()}
        self.run.save_weights(
            Weights(
                recipe=self.recipe.to_dict(), model=state, training_data=self.training_data,
                validation=figures["recall"], epoch=epoch, examples=self.examples,
                pretrained=self.recipe.initial or "from scratch",
            )
        )  # fmt: skip
        return figures
