"""The history of a run's predictions for a few faces, for the animation of its training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fkp import geometry
from fkp.history import PredictionHistory

if TYPE_CHECKING:
    from fkp.training.crops import CropDataset
    from fkp.training.evaluate import Evaluation

_FACES = 6


def record(folder: Path, epoch: int, dataset: CropDataset, evaluation: Evaluation) -> None:
    """Add what an epoch's weights predict for some faces, evenly spread over the validation part.

    What is there of this epoch and later ones, from before an interruption, is replaced.
    """
    faces = np.unique(np.linspace(0, len(dataset) - 1, _FACES).astype(int))
    points = geometry.to_unit(evaluation.points[faces], dataset.recipe.input_size).astype(np.float32)
    truth = np.stack([dataset[0, int(face)][1] for face in faces])
    known = PredictionHistory.load(folder) if epoch else None
    if known is None or known.truth.shape != truth.shape:
        known = PredictionHistory(np.empty(0, np.int64), np.empty((0, *points.shape), np.float32), truth)
    known.then(epoch, points).save(folder)
