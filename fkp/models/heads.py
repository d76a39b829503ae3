"""Ends of networks that give all coordinates at once: directly, or as a mixture of typical shapes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from fkp.models.base import Prediction
from fkp.shapes import ShapeModel


def coordinate_layer(inputs: int, num_points: int, center: float | None = None) -> nn.Linear:
    """The last linear layer; where a `center` is given, its bias is drawn from N(center, 1/sqrt(inputs)),
    so that the first predictions lie there already."""
    layer = nn.Linear(inputs, num_points * 2)
    if center is not None:
        nn.init.normal_(layer.bias, center, 1 / math.sqrt(inputs))
    return layer


def full_precision(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`layer(x)` in fp32 even under autocast: steps of bf16 between 0.5 and 1 are 0.4 % of the crop."""
    if not torch.is_autocast_enabled(x.device.type):
        return layer(x)
    with torch.autocast(x.device.type, enabled=False):
        return layer(x.float())


def read_coordinates(
    layer: Callable[[Tensor], Tensor], features: Tensor, offset: float, scale: float
) -> Prediction:
    """Features -> points = offset + scale x the outputs of a `coordinate_layer`."""
    return Prediction(offset + scale * full_precision(layer, features).unflatten(1, (-1, 2)))


class CoordinateHead(nn.Module):
    """One linear layer, read by `read_coordinates`."""

    def __init__(
        self, inputs: int, num_points: int, bias: float | None = None, offset: float = 0.0, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.linear = coordinate_layer(inputs, num_points, bias)
        self.offset, self.scale = offset, scale

    def forward(self, features: Tensor) -> Prediction:
        return read_coordinates(self.linear, features, self.offset, self.scale)


class PCAHead(nn.Module):
    """Features -> coefficients -> points = mean shape + coefficients x modes.

    A mode is a principal component of the training shapes times its standard deviation, so that
    coefficients are of the size of 1. The basis is part of the weights: `fit` sets it once.
    """

    mean: Tensor
    modes: Tensor

    def __init__(self, inputs: int, num_points: int, components: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, components)
        self.register_buffer("mean", torch.full((num_points * 2,), 0.5))
        self.register_buffer("modes", torch.zeros(components, num_points * 2))

    def fit(self, points: Tensor) -> None:
        """Take the basis from training shapes (N, K, 2) in the unit frame."""
        model = ShapeModel.fit(points.numpy(), len(self.modes))
        modes = model.modes * np.sqrt(model.variances)[:, None, None]
        self.mean.copy_(torch.from_numpy(model.mean).flatten())
        self.modes[: len(modes)].copy_(torch.from_numpy(modes).flatten(1))

    def forward(self, features: Tensor) -> Prediction:
        return Prediction(full_precision(self._mixture, features).unflatten(1, (-1, 2)))

    def _mixture(self, features: Tensor) -> Tensor:
        return torch.addmm(self.mean, self.linear(features), self.modes)
