"""The base of every network: from uint8 crops to points in the unit frame and scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fkp.errors import UsageError

# What the pixels 0..255 become, as (mean, standard deviation) per channel in 0..1.
_NORMALIZATIONS: Mapping[str, tuple[tuple[float, ...], ...]] = {
    "min-max": ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in OpenCV and PIL


class Prediction(NamedTuple):
    """The outputs of a network for a batch.

    Attributes:
        points: (N, K, 2) in the unit frame.
        scores: (N, K) confidence in [0, 1], None where the network has none.
        log_maps: (N, K, h, w) log-probabilities over the cells of a map, None without maps.
        visible: (N, K) probability that a point can be seen, None where the network does not say.
    """

    points: Tensor
    scores: Tensor | None = None
    log_maps: Tensor | None = None
    visible: Tensor | None = None


class Preprocess(nn.Module):
    """uint8 RGB crops (N, H, W, 3) -> normalized float pictures (N, 1 or 3, H, W)."""

    gain: Tensor
    offset: Tensor
    luma: Tensor

    def __init__(self, gray: bool, normalization: str) -> None:
        """`normalization` is "min-max" (-0.5..0.5), "unit" (0..1) or "imagenet"."""
        super().__init__()
        if normalization not in _NORMALIZATIONS:
            raise UsageError(f"unknown normalization {normalization!r}; known: {', '.join(_NORMALIZATIONS)}")
        parts = _NORMALIZATIONS[normalization]
        if gray:
            parts = tuple(part[:1] for part in parts)
        # One number where the channels agree: ONNX Runtime is slow at spreading three over a picture.
        mean, std = (torch.tensor(part[:1] if len(set(part)) == 1 else part) for part in parts)
        self.gray = gray
        self.register_buffer("gain", (1 / (255 * std)).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("offset", (mean / std).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("luma", torch.tensor(_LUMA).view(1, 3, 1, 1), persistent=False)

    @property
    def channels(self) -> int:
        return 1 if self.gray else 3

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2).float()
        if self.gray:
            x = (x * self.luma).sum(dim=1, keepdim=True)
        return x * self.gain - self.offset


class KeypointModel(nn.Module):
    """A network with its preprocessing: what is trained, and what is exported."""

    def __init__(self, preprocess: Preprocess, network: nn.Module) -> None:
        super().__init__()
        self.preprocess = preprocess
        self.network = network

    def forward(self, image: Tensor) -> Prediction:
        """uint8 (N, H, W, 3) -> Prediction."""
        return self.network(self.preprocess(image))


@torch.inference_mode()
def multiply_adds(model: nn.Module, crops: Tensor) -> int:
    """How many a model makes of these crops (N, H, W, 3)."""
    with FlopCounterMode(display=False) as counter:
        model.eval()(crops)
    return counter.get_total_flops() // 2
