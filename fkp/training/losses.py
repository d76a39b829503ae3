"""Loss functions, as data that a recipe names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from fkp.models import Prediction


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss on the coordinates, plus one on the maps for networks that have maps.

    Attributes:
        kind: "mse", "l1" or "smooth-l1".
        scale: what coordinate differences in the unit frame are multiplied by first: 1 for the
            unit frame, 100 where a report scales its targets by 100, the crop's side for pixels.
        beta: where smooth L1 turns from a parabola into a line, in scaled units.
        map_weight: weight of the Jensen-Shannon divergence between each map and a Gaussian of one
            cell at the true point (Nibali et al., "Numerical Coordinate Regression", 2018).
    """

    kind: Literal["mse", "l1", "smooth-l1"]
    scale: float = 1.0
    beta: float = 1.0
    map_weight: float = 0.0

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """Mean loss of a batch; `target` is (N, K, 2) in the unit frame."""
        loss = self._of_points(prediction.points, target)
        if self.map_weight and prediction.log_maps is not None:
            loss = loss + self.map_weight * map_divergence(prediction.log_maps, target)
        return loss

    def distance(self, prediction: Prediction, teacher: Prediction) -> Tensor:
        """The same between a prediction and a teacher's: of their points, and of their maps."""
        loss = self._of_points(prediction.points, teacher.points)
        if self.map_weight and prediction.log_maps is not None and teacher.log_maps is not None:
            loss = loss + self.map_weight * _divergence(prediction.log_maps, teacher.log_maps)
        return loss

    def _of_points(self, points: Tensor, target: Tensor) -> Tensor:
        predicted, wanted = points * self.scale, target * self.scale
        if self.kind == "mse":
            return F.mse_loss(predicted, wanted)
        if self.kind == "l1":
            return F.l1_loss(predicted, wanted)
        return F.smooth_l1_loss(predicted, wanted, beta=self.beta)


def map_divergence(log_maps: Tensor, target: Tensor, sigma: float = 1.0) -> Tensor:
    """Mean Jensen-Shannon divergence of maps from Gaussians at the true points.

    Args:
        log_maps: (N, K, h, w) log-probabilities.
        target: (N, K, 2) in the unit frame; a point outside of the map gives the map's nearest rim.
        sigma: of the Gaussian, in cells.
    """
    h, w = log_maps.shape[-2:]
    xs = torch.arange(w, device=target.device, dtype=target.dtype) + 0.5
    ys = torch.arange(h, device=target.device, dtype=target.dtype) + 0.5
    # A Gaussian over the cells is the product of one along x and one along y.
    log_x = F.log_softmax(-((xs - target[..., :1] * w) ** 2) / (2 * sigma**2), dim=-1)
    log_y = F.log_softmax(-((ys - target[..., 1:] * h) ** 2) / (2 * sigma**2), dim=-1)
    return _divergence(log_maps, log_y[..., :, None] + log_x[..., None, :])


def _divergence(log_maps: Tensor, log_target: Tensor) -> Tensor:
    """Mean Jensen-Shannon divergence of maps (N, K, h, w) from others, all log-probabilities."""
    log_maps, log_target = log_maps.flatten(2), log_target.flatten(2)
    log_middle = torch.logaddexp(log_maps, log_target) - 0.6931471805599453
    divergence = log_maps.exp() * (log_maps - log_middle) + log_target.exp() * (log_target - log_middle)
    return 0.5 * divergence.sum(dim=-1).mean()
