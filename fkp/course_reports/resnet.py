"""ResNets of torchvision, as the course reports use them for faces in the wild."""

from __future__ import annotations

from typing import Literal

import torchvision
from torch import Tensor, nn

from fkp.models.base import Prediction
from fkp.models.heads import CoordinateHead, PCAHead
from fkp.models.registry import register


@register("resnet")
class ResNet(nn.Module):
    """A ResNet whose classifier is replaced by one linear layer for points.

    Args:
        arch: torchvision's name for it: "resnet18", "wide_resnet50_2", ...
        pretrained: start from ImageNet weights where torchvision has or gets them.
        trained: "all" of it, or the "last-block" and the head alone. Batch norms keep their running
            statistics either way: without ImageNet weights the frozen ones would know none.
        components: of a PCA head, 0 for coordinates.
        bias: see `coordinate_layer`.
        offset, scale: points = offset + scale x output.
    """

    def __init__(
        self,
        num_points: int,
        input_size: tuple[int, int],
        in_channels: int,
        arch: str = "resnet18",
        pretrained: bool = False,
        trained: Literal["all", "last-block"] = "all",
        components: int = 0,
        bias: float | None = None,
        offset: float = 0.0,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        if in_channels != 3:
            raise ValueError("torchvision's ResNets take color pictures")
        self.arch, self.pretrained = arch, pretrained
        self.backbone = torchvision.models.get_model(arch, weights=None)
        features = self.backbone.fc.in_features
        self.backbone.fc = nn.Identity()
        self.head: CoordinateHead | PCAHead
        if components:
            self.head = PCAHead(features, num_points, components)
        else:
            self.head = CoordinateHead(features, num_points, bias, offset, scale)
        if trained == "last-block":
            self.backbone.requires_grad_(False)
            self.backbone.layer4.requires_grad_(True)

    def initialize(self, points: Tensor) -> str:
        """See `fkp.models.initialize`."""
        if isinstance(self.head, PCAHead):
            self.head.fit(points)
        if not self.pretrained:
            return "from scratch"
        source = torchvision.models.get_model_weights(self.arch).IMAGENET1K_V1
        try:
            weights = source.get_state_dict(progress=False, check_hash=True)
        except OSError:  # torchvision has no copy, and cannot download one
            return "from scratch"
        weights = {name: value for name, value in weights.items() if not name.startswith("fc.")}
        self.backbone.load_state_dict(weights)
        return f"ImageNet, torchvision {source}"

    def forward(self, x: Tensor) -> Prediction:
        return self.head(self.backbone(x))
