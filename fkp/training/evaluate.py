"""Errors of a model on a validation part while it trains, in the same measures as the benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fkp import geometry, metrics
from fkp.schemes import get_scheme
from fkp.training.crops import CropDataset


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a model does on a validation part.

    Attributes:
        loss: the recipe's loss on crops that are not varied.
        face_nme: (N,) percent, by the scheme's normalizer.
        points: (N, K, 2) predicted, crop frame.
    """

    loss: float
    face_nme: NDArray
    points: NDArray

    @property
    def nme(self) -> float:
        return float(self.face_nme.mean())


@torch.inference_mode()
def evaluate(
    model: nn.Module, dataset: CropDataset, device: torch.device, batch_size: int = 64
) -> Evaluation:
    """The model's errors on every face of a data set, centered and without augmentation."""
    recipe = dataset.recipe
    model.eval()
    losses, predicted, truth = [], [], []
    for start in range(0, len(dataset), batch_size):
        items = [dataset[0, i] for i in range(start, min(start + batch_size, len(dataset)))]
        crops = torch.from_numpy(np.stack([item[0] for item in items])).to(device)
        target = torch.from_numpy(np.stack([item[1] for item in items])).to(device)
        prediction = model(crops)
        losses += [recipe.loss(prediction, target).item()] * len(items)
        predicted.append(prediction.points.float().cpu().numpy())
        truth.append(target.cpu().numpy())
    points = geometry.from_unit(np.concatenate(predicted), recipe.input_size)
    true_points = geometry.from_unit(np.concatenate(truth), recipe.input_size)
    corners = get_scheme(recipe.scheme).outer_eye_corners
    if corners:
        normalizer = metrics.inter_ocular(true_points, corners)
    else:
        sides = dataset.crops.boxes[:, 2:] - dataset.crops.boxes[:, :2]
        scale = min(recipe.input_size) / (sides.max(axis=1) * recipe.margin)
        normalizer = geometry.box_diagonal(dataset.crops.boxes) * scale
    face_nme = metrics.nme(metrics.point_distance(points, true_points), normalizer)
    return Evaluation(float(np.mean(losses)), face_nme, points)
