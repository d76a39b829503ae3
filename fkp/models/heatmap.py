"""Networks that predict each point by a heatmap over the picture (soft-argmax)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fkp.models.base import Prediction
from fkp.models.heads import full_precision
from fkp.models.registry import register
from fkp.models.visibility import Reading, VisibilityHead

_SPREAD = 8.0  # variance of a map, in cells, at which a score has fallen to 1 / e


def soft_argmax(logits: Tensor, split: int = 1) -> Prediction:
    """Expected position under the softmax of each map (Sun et al., "Integral Human Pose", 2018).

    The score falls with the spread of the map's probability around its expected position, so a map
    that is wide or has two peaks scores low; a Gaussian of one cell scores 0.78.

    Args:
        logits: (N, K * split^2, h, w): each cell of the network's last level holds split x split cells
            of the map of (h * split, w * split), in the order of `torch.nn.functional.pixel_shuffle`.
    """
    return read_maps(logits, cell_probabilities(logits, split), split)


def cell_probabilities(logits: Tensor, split: int) -> Tensor:
    """The softmax of each map, (N, K, split^2 * h * w), in the order of its channels and cells."""
    n, _, h, w = logits.shape
    return logits.float().reshape(n, -1, split**2 * h * w).softmax(dim=-1)


def read_maps(logits: Tensor, probabilities: Tensor, split: int) -> Prediction:
    """The prediction of `soft_argmax`, from the logits and their `cell_probabilities`."""
    n, channels, h, w = logits.shape
    cells = logits.float().reshape(n, -1, split**2 * h * w)
    # The first two moments of each map in one product, whatever the order of its cells: re-ordering
    # them first would cost a CPU as much as all the rest of this function.
    centers = _cell_moments(h, w, split, logits.device)
    moments = full_precision(probabilities.matmul, centers)
    points, squares = moments[..., :2], moments[..., 2]
    spread = (squares - points.square().sum(dim=-1)) * (h * w * split**2)
    log_maps = cells.log_softmax(dim=-1).view(n, channels, h, w)
    return Prediction(points, (-spread / _SPREAD).exp().clamp(0, 1), F.pixel_shuffle(log_maps, split))


def _cell_moments(h: int, w: int, split: int, device: torch.device) -> Tensor:
    """x, y and x^2 + y^2 of the centers of a map's cells in the unit frame, (split^2 * h * w, 3)."""
    xs = (torch.arange(w * split, device=device) + 0.5) / (w * split)
    ys = (torch.arange(h * split, device=device) + 0.5) / (h * split)
    x, y = xs.expand(h * split, w * split), ys[:, None].expand(h * split, w * split)
    return F.pixel_unshuffle(torch.stack([x, y, x**2 + y**2]), split).reshape(3, -1).T


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
    """A residual encoder, a top-down path back up (Lin et al., "Feature Pyramid Networks", 2017), and one
    softmax map a point, at a quarter of the input's resolution.

    Args:
        widths: channels of the four stages, at strides 4, 8, 16 and 32.
        top: channels of the top-down path.
        blocks: residual blocks of each stage; the first may have none.
        finest: stage at which the top-down path ends. Where it is not the first, a cell of it predicts for
            several cells of the map, which saves the work of the finest level.
        visibility: whether a head on top says which points can be seen.
    """

    def __init__(
        self,
        num_points: int,
        input_size: tuple[int, int],
        in_channels: int,
        widths: Sequence[int] = (48, 96, 192, 288),
        top: int = 72,
        blocks: Sequence[int] = (2, 2, 2, 2),
        finest: int = 0,
        visibility: bool = False,
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
        for i, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            layers = []
            for block in range(count):
                layers.append(BasicBlock(inputs, width, stride=2 if i > 0 and block == 0 else 1))
                inputs = width
            self.stages.append(nn.Sequential(*layers))
        self.finest, self.split = finest, 2**finest
        self.laterals = nn.ModuleList(conv_bn(width, top, kernel=1) for width in widths[finest:])
        self.smooth = nn.ModuleList(BasicBlock(top, top) for _ in widths[finest:-1])
        self.head = nn.Conv2d(top, num_points * self.split**2, 1)
        self.visibility = VisibilityHead(num_points, top, widths[-1]) if visibility else None

    def forward(self, x: Tensor) -> Prediction:
        reading = self.read(x)
        if self.visibility is None:
            return reading.prediction
        return reading.prediction._replace(visible=self.visibility(reading).sigmoid())

    def read(self, x: Tensor) -> Reading:
        """The prediction without `visible`, and the features behind it."""
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        features = features[self.finest :]
        top = self.laterals[-1](features[-1])
        for i in reversed(range(len(self.smooth))):
            top = F.interpolate(top, scale_factor=2.0, mode="nearest")
            top = self.smooth[i](F.relu(top + self.laterals[i](features[i])))
        logits = self.head(top)
        probabilities = cell_probabilities(logits, self.split)
        return Reading(read_maps(logits, probabilities, self.split), probabilities, top, features[-1])
