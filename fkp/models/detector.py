"""The face detector: anchor-free, one prediction a cell on four levels of a small pyramid."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fkp.models.heatmap import BasicBlock, conv_bn

STRIDES = (8, 16, 32, 64)
_STEM = 16  # channels of the two convolutions down to a quarter of the picture
_WIDTHS, _BLOCKS = (32, 48, 64, 64), (0, 1, 1, 1)  # channels and residual blocks at each stride
_TOP = 32  # channels of the top-down path and of the heads
_LARGEST_LOG = 4.0  # of a side's distance in strides: no face is larger than e^4 cells


class FaceCells(NamedTuple):
    """The outputs of the network for every cell, all levels in one row (A cells).

    Attributes:
        boxes: (N, A, 4) canonical face boxes, in pixels of the picture.
        logits: (N, A) of there being a face.
    """

    boxes: Tensor
    logits: Tensor


class FaceDetector(nn.Module):
    """uint8 pictures in, a box and a score for every cell out.

    Each cell predicts the distances from its center to the four sides of a face's box (Tian et al.,
    "FCOS", 2019). Plain 3x3 convolutions on few channels: on CPUs they cost less than depthwise ones
    of the same accuracy. The first convolution takes raw pixels, which its normalization scales.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, _STEM, 2), nn.ReLU(), conv_bn(_STEM, _STEM, 2), nn.ReLU())
        self.stages = nn.ModuleList()
        inputs = _STEM
        for width, count in zip(_WIDTHS, _BLOCKS, strict=True):
            down = [conv_bn(inputs, width, 2), nn.ReLU()]
            self.stages.append(nn.Sequential(*down, *(BasicBlock(width, width) for _ in range(count))))
            inputs = width
        self.laterals = nn.ModuleList(conv_bn(width, _TOP, kernel=1) for width in _WIDTHS)
        self.heads = nn.ModuleList()
        for _ in _WIDTHS:
            last = nn.Conv2d(_TOP, 5, 1)
            # At first boxes of about three cells, and faces are rare.
            last.bias = nn.Parameter(torch.tensor([0.5, 0.5, 0.5, 0.5, -4.0]))
            self.heads.append(nn.Sequential(conv_bn(_TOP, _TOP), nn.ReLU(), last))

    def forward(self, image: Tensor) -> FaceCells:
        """uint8 (N, H, W, 3), H and W multiples of 32 -> FaceCells."""
        x = self.stem(image.permute(0, 3, 1, 2).float())
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        top = self.laterals[-1](features[-1])
        maps = [self.heads[-1](F.relu(top))]
        for i in reversed(range(len(features) - 1)):
            lateral = self.laterals[i](features[i])
            coarse = F.interpolate(F.relu(top), scale_factor=2.0)
            # An odd number of cells was rounded up on the way down.
            top = lateral + coarse[..., : lateral.shape[2], : lateral.shape[3]]
            maps.insert(0, self.heads[i](F.relu(top)))
        boxes = torch.cat([_boxes(m[:, :4], s) for m, s in zip(maps, STRIDES, strict=True)], dim=1)
        logits = torch.cat([m[:, 4].flatten(1) for m in maps], dim=1)
        return FaceCells(boxes, logits.float())


def cell_centers(height: int, width: int, stride: int, device: torch.device | None = None) -> Tensor:
    """Centers (height * width, 2) of a level's cells, image frame."""
    ys = (torch.arange(height, device=device) + 0.5) * stride - 0.5
    xs = (torch.arange(width, device=device) + 0.5) * stride - 0.5
    grid = torch.stack([xs.expand(height, width), ys[:, None].expand(height, width)], dim=-1)
    return grid.reshape(-1, 2)


def _boxes(logs: Tensor, stride: int) -> Tensor:
    """Log-distances (N, 4, h, w), in strides, to left, top, right and bottom -> boxes (N, h * w, 4)."""
    centers = cell_centers(logs.shape[2], logs.shape[3], stride, logs.device)
    sides = logs.float().clamp(max=_LARGEST_LOG).exp().flatten(2).transpose(1, 2) * stride
    return torch.cat([centers - sides[..., :2], centers + sides[..., 2:]], dim=-1)
