"""The Pixel U-Net of course report 002."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fkp.models.base import Prediction
from fkp.models.heatmap import conv_bn, soft_argmax
from fkp.models.registry import register


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv_bn(inputs, outputs), nn.ReLU(), conv_bn(outputs, outputs), nn.ReLU())


@register("pixel-unet")
class PixelUNet(nn.Module):
    """A U-Net (Ronneberger et al., 2015) with one map per point at the input's resolution; a point is
    the expected position under the softmax over all pixels.

    Args:
        widths: channels at the input's resolution, at half of it, and so on.
    """

    def __init__(
        self,
        num_points: int,
        input_size: tuple[int, int],
        in_channels: int,
        widths: Sequence[int] = (32, 64, 128, 256),
    ) -> None:
        super().__init__()
        step = 2 ** (len(widths) - 1)
        if any(side % step for side in input_size):
            raise ValueError(f"the input's sides must be multiples of {step}, not {input_size}")
        pairs = list(itertools.pairwise(widths))
        self.first = _double(in_channels, widths[0])
        self.down = nn.ModuleList(_double(fine, coarse) for fine, coarse in pairs)
        self.up = nn.ModuleList(_double(coarse + fine, fine) for fine, coarse in reversed(pairs))
        self.head = nn.Conv2d(widths[0], num_points, 1)

    def forward(self, x: Tensor) -> Prediction:
        x = self.first(x)
        finer = []
        for block in self.down:
            finer.append(x)
            x = block(F.max_pool2d(x, 2))
        for block in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, finer.pop()], dim=1))
        return soft_argmax(self.head(x))
