"""Networks that say where each point is by a map over the picture (soft-argmax)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fkp.models.contract import Prediction
from fkp.models.registry import register


def soft_argmax(logits: Tensor) -> Prediction:
    """Expected position under the softmax of each map (Sun et al., "Integral Human Pose", 2018).

    The score is the probability that the map puts around its expected position (all of it within
    one cell, fading out to two), so a map that is spread out or has two peaks scores low.

    Args:
        logits: (N, K, h, w).
    """
    n, k, h, w = logits.shape
    log_maps = F.log_softmax(logits.float().view(n, k, h * w), dim=-1).view(n, k, h, w)
    maps = log_maps.exp()
    xs = (torch.arange(w, device=logits.device, dtype=maps.dtype) + 0.5) / w
    ys = (torch.arange(h, device=logits.device, dtype=maps.dtype) + 0.5) / h
    x = (maps.sum(dim=2) * xs).sum(dim=-1)
    y = (maps.sum(dim=3) * ys).sum(dim=-1)
    near_x = (2 - (xs - x[..., None]).abs() * w).clamp(0, 1)
    near_y = (2 - (ys - y[..., None]).abs() * h).clamp(0, 1)
    scores = (near_y[:, :, None, :] @ maps @ near_x[..., None]).flatten(1)
    return Prediction(torch.stack([x, y], dim=-1), scores.clamp(0, 1), log_maps)


def conv_bn(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., "Deep Residual Learning", 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = conv_bn(inputs, outputs, stride)
        self.second = conv_bn(outputs, outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_bn(inputs, outputs, stride, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


@register("pyramid-softargmax")
class PyramidSoftArgmax(nn.Module):
    """A residual encoder, a top-down path back to a quarter of the input (Lin et al., "Feature
    Pyramid Networks", 2017), and one softmax map a point.

    Args:
        widths: channels of the four stages, at strides 4, 8, 16 and 32.
        top: channels of the top-down path.
        blocks: residual blocks a stage.
    """

    def __init__(
        self,
        num_points: int,
        input_size: tuple[int, int],
        in_channels: int,
        widths: Sequence[int] = (48, 96, 192, 288),
        top: int = 72,
        blocks: int = 2,
    ) -> None:
        super().__init__()
        if any(side % 32 for side in input_size):
            raise ValueError(f"the input's sides must be multiples of 32, not {input_size}")
        first = widths[0]
        self.stem = nn.Sequential(
            conv_bn(in_channels, first // 2, 2), nn.ReLU(), conv_bn(first // 2, first, 2), nn.ReLU()
        )
        self.stages = nn.ModuleList()
        inputs = first
        for i, width in enumerate(widths):
            layers = [BasicBlock(inputs, width, stride=1 if i == 0 else 2)]
            layers += [BasicBlock(width, width) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(*layers))
            inputs = width
        self.laterals = nn.ModuleList(conv_bn(width, top, kernel=1) for width in widths)
        self.smooth = nn.ModuleList(BasicBlock(top, top) for _ in widths[:-1])
        self.head = nn.Conv2d(top, num_points, 1)

    def forward(self, x: Tensor) -> Prediction:
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        top = self.laterals[-1](features[-1])
        for i in reversed(range(len(self.smooth))):
            top = F.interpolate(top, scale_factor=2.0, mode="nearest")
            top = self.smooth[i](F.relu(top + self.laterals[i](features[i])))
        return soft_argmax(self.head(top))
