"""Trains the face detector on random scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import set_seed
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fkp.datasets import Sample
from fkp.errors import RunError
from fkp.training.crops import DrawSampler
from fkp.training.detection.evaluate import evaluate
from fkp.training.detection.loss import assign, detection_loss
from fkp.training.detection.recipe import DetectorRecipe
from fkp.training.detection.scenes import face_free_parts, random_scene
from fkp.training.detection.sources import Picture, Pictures
from fkp.training.run import Run, Weights
from fkp.training.trainer import Trainer, new_accelerator

_EXAMPLES = 3  # scenes on which an export is compared with the network


class SceneDataset(Dataset):
    """Random scenes with their targets, drawn by keys (draw, index): a draw seeds its scene."""

    def __init__(self, pictures: Sequence[Picture], recipe: DetectorRecipe) -> None:
        self.pictures, self.recipe = pictures, recipe
        self.parts = face_free_parts(np.random.default_rng(recipe.seed), pictures)

    def __getitem__(self, key: tuple[int, int]) -> tuple[NDArray, NDArray, NDArray]:
        """The picture (side, side, 3), and the boxes (A, 4) and kinds (A,) of its cells."""
        rng = np.random.default_rng([self.recipe.seed, key[0]])
        scene = random_scene(rng, self.pictures, self.parts, self.recipe)
        return scene.image, *assign(scene.boxes, scene.ignored, self.recipe.side)


class DetectorTrainer(Trainer):
    """Trains the detector, or goes on where an interrupted run of it stopped.

    Args:
        recipe: what to train.
        pictures: to make scenes of; the unseen ones measure false boxes after each epoch.
        validation: faces whose pictures measure recall.
        folder: of the run, beside that of the run it starts from; made if missing.
        restart: begin anew even where the folder holds a run.
        workers: processes that make scenes beside the training one.

    Raises:
        RunError: the folder holds a run of another version of the recipe, or final weights without a
            checkpoint to go on from, the run it starts from has not begun, or pictures of things are needed
            and there are none.
    """

    def __init__(
        self,
        recipe: DetectorRecipe,
        pictures: Pictures,
        validation: Sequence[Sample],
        folder: Path,
        *,
        restart: bool = False,
        workers: int = 0,
    ) -> None:
        set_seed(recipe.seed)
        if recipe.things and not pictures.things:
            raise RunError(f"{recipe.name} needs negatives: see `python -m fkp data negatives --help`")
        model = recipe.build()
        if recipe.initial:  # before scenes are made: it may be missing
            model.load_state_dict(Run(folder.parent / recipe.initial).read_weights(recipe.command).model)
        self.recipe, self.validation, self.things = recipe, validation, pictures.unseen_things
        shown = pictures.people + (pictures.things if recipe.things else [])
        scenes = SceneDataset(shown, recipe)
        self.examples = torch.from_numpy(np.stack([scenes[i, i][0] for i in range(_EXAMPLES)]))
        self.training_data = {
            "pictures": len(shown), "faces": int(sum(picture.sure.sum() for picture in shown))
        }  # fmt: skip
        super().__init__(
            recipe, model, scenes,
            DrawSampler(recipe.scenes_per_epoch, recipe.scenes_per_epoch, recipe.seed), folder,
            new_accelerator(recipe.precision), restart=restart, workers=workers,
        )  # fmt: skip

    def loss(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        images, boxes, kinds = batch
        with self.accelerator.autocast():
            cells = self.wrapped(images)
        return detection_loss(cells, boxes, kinds)

    def validate(self, epoch: int) -> dict[str, float]:
        figures = evaluate(self.exported, self.validation, self.things)
        state = {name: value.cpu() for name, value in self.exported.state_dict().items()}
        self.run.save_weights(
            Weights(
                recipe=self.recipe.to_dict(), model=state, training_data=self.training_data,
                validation=figures["recall"], epoch=epoch, examples=self.examples,
                pretrained=self.recipe.initial or "from scratch",
            )
        )  # fmt: skip
        return figures
