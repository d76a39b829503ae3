"""The plain convolutional networks of the five course reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from fkp.models.base import Prediction
from fkp.models.heads import coordinate_layer, read_coordinates
from fkp.models.registry import register


@dataclass(frozen=True, slots=True)
class Conv:
    """One convolution with ReLU, and a 2x2 max pool behind it or none."""

    channels: int
    kernel: int
    padding: int = 0
    stride: int = 1
    pool: bool = True


@register("plain-cnn")
class PlainCNN(nn.Module):
    """Convolutions, then linear layers that give all coordinates at once.

    Args:
        convs: the convolutional layers, from the picture on.
        hidden: sizes of the linear layers before the last.
        dropout: probability, before the last linear layer.
        bias: see `fkp.models.heads.coordinate_layer`.
        offset, scale: points = offset + scale x output: the frame of the report's
            network.
    """

    def __init__(
        self,
        num_points: int,
        input_size: tuple[int, int],
        in_channels: int,
        convs: Sequence[Conv],
        hidden: Sequence[int],
        dropout: float = 0.0,
        bias: float | None = None,
        offset: float = 0.0,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        sides = list(input_size)
        channels = in_channels
        for conv in convs:
            layers += [nn.Conv2d(channels, conv.channels, conv.kernel, conv.stride, conv.padding), nn.ReLU()]
            sides = [(side + 2 * conv.padding - conv.kernel) // conv.stride + 1 for side in sides]
            if conv.pool:
                layers.append(nn.MaxPool2d(2))
                sides = [side // 2 for side in sides]
            channels = conv.channels
        if min(sides) < 1:
            raise ValueError(f"an input of {input_size} is too small for these {len(convs)} convolutions")
        self.features = nn.Sequential(*layers)
        self.flat = channels * math.prod(sides)
        head: list[nn.Module] = [nn.Flatten()]
        inputs = self.flat
        for size in hidden:
            head += [nn.Linear(inputs, size), nn.ReLU()]
            inputs = size
        self.head = nn.Sequential(*head, nn.Dropout(dropout), coordinate_layer(inputs, num_points, bias))
        self.offset, self.scale = offset, scale

    def forward(self, x: Tensor) -> Prediction:
        return read_coordinates(self.head[-1], self.head[:-1](self.features(x)), self.offset, self.scale)
