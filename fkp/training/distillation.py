"""Distillation: a network learns the predictions of a trained one for the same crops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from fkp.datasets.conventions import typical_inter_ocular
from fkp.errors import UsageError
from fkp.models import Prediction
from fkp.schemes import get_scheme
from fkp.training.recipe import Recipe
from fkp.training.recipes import get_recipe
from fkp.training.run import Run


class Teacher(nn.Module):
    """A trained model, whose predictions are averaged with those for the mirrored crops.

    Args:
        model: the network.
        mirror_order: of the scheme.
        shift: how far its predictions are to the right of mirror-symmetric ones, over the crop's side.
    """

    def __init__(self, model: nn.Module, mirror_order: Sequence[int], shift: float = 0.0) -> None:
        super().__init__()
        self.model = model.eval().to(memory_format=torch.channels_last)
        self.mirror_order, self.shift = list(mirror_order), shift

    @classmethod
    def of(cls, recipe: Recipe, runs: Path) -> Teacher | None:
        """The one that a recipe names, whose run is in that folder; None where it names none.

        Raises:
            RunError: there is no finished run of it.
            UsageError: it was trained on other crops, or for other points.
        """
        if recipe.teacher is None:
            return None
        teacher = get_recipe(recipe.teacher)
        seen = [(one.scheme, one.input_size, one.margin) for one in (teacher, recipe)]
        if seen[0] != seen[1]:
            raise UsageError(f"{teacher.name} cannot teach {recipe.name}: its crops or its points are others")
        model = teacher.build()
        Run(runs / teacher.name).load_into(model, teacher)
        shift = teacher.label_shift / 100 * float(typical_inter_ocular([0, 0, 1, 1])) / teacher.margin
        return cls(model, get_scheme(recipe.scheme).mirror, shift)

    @torch.no_grad()
    def forward(self, crops: Tensor) -> Prediction:
        """Crops (N, H, W, 3) uint8 -> points and, of a network that has them, maps; no scores."""
        both = self.model(torch.cat([crops, crops.flip(2)]))
        points, mirrored = both.points.chunk(2)
        back = mirrored[:, self.mirror_order] * points.new_tensor([-1, 1])
        back = back + points.new_tensor([1 + 2 * self.shift, 0])
        log_maps = None
        if both.log_maps is not None:
            straight, mirrored_maps = both.log_maps.chunk(2)
            back_maps = mirrored_maps[:, self.mirror_order].flip(-1)
            log_maps = torch.logaddexp(straight, back_maps) - math.log(2)
        return Prediction((points + back) / 2, None, log_maps)
