"""A head that predicts which points are visible, on a trained landmark network."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fkp.models.base import Prediction

_LOCAL, _HIDDEN = 16, 64


class Reading(NamedTuple):
    """The outputs of a landmark network for a batch, with its features.

    Attributes:
        prediction: with scores.
        probabilities: (N, K, split^2 * h * w) of its maps, by channels and cells.
        finest: (N, C, h, w) the features that the maps were made of.
        deepest: (N, D, ...) the features of the whole face.
    """

    prediction: Prediction
    probabilities: Tensor
    finest: Tensor
    deepest: Tensor

    @property
    def cells(self) -> Tensor:
        """(N, h * w, C) the finest features."""
        return self.finest.flatten(2).float().transpose(1, 2)

    @property
    def whole(self) -> Tensor:
        """(N, D + 3 K) of the face as a whole: means of the deepest features, the points and their scores."""
        points, scores = self.prediction.points, self.prediction.scores
        assert scores is not None
        return torch.cat([self.deepest.float().mean(dim=(2, 3)), points.flatten(1), scores], dim=1)

    def at_points(self, cells: Tensor) -> Tensor:
        """The mean of each map over features (N, h * w, C) of the cells -> (N, K, C)."""
        n, points, _ = self.probabilities.shape
        return self.probabilities.view(n, points, -1, cells.shape[1]).sum(dim=2) @ cells


class VisibilityHead(nn.Module):
    """Logits of the probability that each point can be seen.

    It sees the features where the heatmaps place a point, and the face as a whole: where the head is turned,
    and how confident the maps are.

    Args:
        num_points: K.
        finest, deepest: channels of these features, see `Reading`.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, num_points: int, finest: int, deepest: int) -> None:
        super().__init__()
        inputs = deepest + 3 * num_points
        self.project = nn.Linear(finest, _LOCAL, bias=False)
        self.bias = nn.Parameter(torch.zeros(_LOCAL))
        self.of_local = nn.Parameter(0.1 * torch.randn(num_points, _LOCAL))
        self.hidden = nn.Linear(inputs, _HIDDEN)
        self.of_whole = nn.Linear(_HIDDEN, num_points)
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))

    def forward(self, reading: Reading) -> Tensor:
        """Logits (N, K)."""
        # Projected before the mean over the cells, which is the same and less work.
        return self.logits(reading.at_points(self.project(reading.cells)), reading.whole)

    def logits(self, local: Tensor, whole: Tensor) -> Tensor:
        """Logits (N, K) from projected features (N, K, 16) at the points, and `Reading.whole`."""
        hidden = F.relu(self.hidden((whole - self.mean) / self.deviation))
        return self.of_whole(hidden) + (F.relu(local + self.bias) * self.of_local).sum(dim=-1)

    def standardize(self, whole: Tensor) -> None:
        """Take the mean and the deviation of `Reading.whole` from examples (N, ...)."""
        self.mean.copy_(whole.mean(dim=0))
        self.deviation.copy_(whole.std(dim=0) + 1e-4)

    @torch.no_grad()
    def calibrate(self, gain: float, offset: float) -> None:
        """Make every logit x into gain * x + offset."""
        self.of_whole.weight.mul_(gain)
        self.of_whole.bias.mul_(gain).add_(offset)
        self.of_local.mul_(gain)
