"""Loss functions, as data that a recipe names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from fkp.models import Prediction
from fkp.training.config import check_choices


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss on the coordinates, plus one on the maps for networks that have maps.

    Attributes:
        kind: "mse", "l1" or "smooth-l1".
        scale: what coordinate differences in the unit frame are multiplied by first: 1 for the
            unit frame, 100 where a report scales its targets by 100, the crop's side for pixels.
        beta: where smooth L1 turns from a parabola into a line, in scaled units.
        map_weight: weight of the distance between each map and a Gaussian of one cell at the true point
            (Nibali et al., "Numerical Coordinate Regression", 2018).
        map_distance: "jensen-shannon" divergence, or "cross-entropy", which costs a fifth of the time;
            near the optimum it rises about four times as steeply.
    """

    kind: Literal["mse", "l1", "smooth-l1"]
    scale: float = 1.0
    beta: float = 1.0
    map_weight: float = 0.0
    map_distance: Literal["jensen-shannon", "cross-entropy"] = "jensen-shannon"

    def __post_init__(self) -> None:
        check_choices(self)

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """Mean loss of a batch over the points that are annotated.

        Args:
            target: (N, K, 2) in the unit frame; NaN where a point is not annotated.
        """
        known = target.isfinite().all(dim=-1)
        if known.all():
            return self._mean(prediction, target)
        # A point without annotation is right wherever it is; the others share its weight.
        filled = torch.where(known[..., None], target, prediction.points.detach())
        return self._mean(prediction, filled, known) / known.float().mean()

    def _mean(self, prediction: Prediction, target: Tensor, known: Tensor | None = None) -> Tensor:
        loss = self._of_points(prediction.points, target)
        if not self.map_weight or prediction.log_maps is None:
            return loss
        rows, columns = gaussians(target, prediction.log_maps.shape[-2:])
        if self.map_distance == "cross-entropy":
            along = rows.exp() if known is None else rows.exp() * known[..., None]
            wanted = along[..., :, None] * columns.exp()[..., None, :]
            return loss + self.map_weight * _cross_entropy(prediction.log_maps, wanted)
        log_wanted = rows[..., :, None] + columns[..., None, :]
        return loss + self.map_weight * _jensen_shannon(prediction.log_maps, log_wanted, known)

    def distance(self, prediction: Prediction, teacher: Prediction) -> Tensor:
        """The same between a prediction and a teacher's: of their points, and of their maps."""
        loss = self._of_points(prediction.points, teacher.points)
        if not self.map_weight or prediction.log_maps is None or teacher.log_maps is None:
            return loss
        if self.map_distance == "cross-entropy":
            return loss + self.map_weight * _cross_entropy(prediction.log_maps, teacher.log_maps.exp())
        return loss + self.map_weight * _jensen_shannon(prediction.log_maps, teacher.log_maps)

    def _of_points(self, points: Tensor, target: Tensor) -> Tensor:
        predicted, wanted = points * self.scale, target * self.scale
        if self.kind == "mse":
            return F.mse_loss(predicted, wanted)
        if self.kind == "l1":
            return F.l1_loss(predicted, wanted)
        return F.smooth_l1_loss(predicted, wanted, beta=self.beta)


def gaussians(target: Tensor, size: Sequence[int], sigma: float = 1.0) -> tuple[Tensor, Tensor]:
    """Log-probabilities of Gaussians at the true points: over the rows (N, K, h) and over the columns
    (N, K, w) of a map. That of a cell is the product of its row's and its column's.

    Args:
        target: (N, K, 2) in the unit frame; a point outside of the map gives the map's nearest rim.
        size: (h, w) of the maps.
        sigma: of the Gaussian, in cells.
    """
    h, w = size
    xs = torch.arange(w, device=target.device, dtype=target.dtype) + 0.5
    ys = torch.arange(h, device=target.device, dtype=target.dtype) + 0.5
    rows = F.log_softmax(-((ys - target[..., 1:] * h) ** 2) / (2 * sigma**2), dim=-1)
    columns = F.log_softmax(-((xs - target[..., :1] * w) ** 2) / (2 * sigma**2), dim=-1)
    return rows, columns


def _cross_entropy(log_maps: Tensor, wanted: Tensor) -> Tensor:
    """Mean over maps (N, K, h, w) of log-probabilities, against probabilities."""
    return -torch.dot(wanted.flatten(), log_maps.flatten()) / (log_maps.shape[0] * log_maps.shape[1])


def _jensen_shannon(log_maps: Tensor, log_wanted: Tensor, known: Tensor | None = None) -> Tensor:
    """Mean divergence of maps (N, K, h, w) from others, all log-probabilities; that of a map that is not
    `known` (N, K) counts as zero."""
    log_middle = torch.logaddexp(log_maps, log_wanted) - math.log(2)
    parts = log_maps.exp() * (log_maps - log_middle) + log_wanted.exp() * (log_wanted - log_middle)
    divergences = parts.sum(dim=(-2, -1))
    return 0.5 * (divergences if known is None else divergences * known).mean()
