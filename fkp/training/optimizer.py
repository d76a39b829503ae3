"""What every training loop steps with: the optimizer, its rate over time, averaged weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from fkp.training.run import Named


class TrainingSettings(Named, Protocol):
    """The part of a recipe that says how to step, and how often, see `Recipe`."""

    @property
    def batch_size(self) -> int: ...
    @property
    def clip(self) -> float: ...
    @property
    def ema(self) -> float: ...
    def to_dict(self) -> dict[str, object]: ...
    @property
    def optimizer(self) -> str: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def schedule(self) -> str: ...
    @property
    def warmup_steps(self) -> int: ...


def new_optimizer(recipe: TrainingSettings, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimizer; its decay spares biases and norms."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    decaying: dict[str, Any] = {"params": matrices, "weight_decay": recipe.weight_decay}
    groups = [decaying, {"params": vectors}]
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=recipe.learning_rate, weight_decay=0.0)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    # Fused: on a CPU a large network's step takes a tenth of the time.
    return kind(groups, lr=recipe.learning_rate, weight_decay=0.0, fused=True)


def rate_factor(recipe: TrainingSettings, steps: int) -> Callable[[int], float]:
    """What the learning rate is multiplied by at each of so many steps."""

    def factor(step: int) -> float:
        if step < recipe.warmup_steps:
            return (step + 1) / recipe.warmup_steps
        if recipe.schedule == "constant":
            return 1.0
        progress = (step - recipe.warmup_steps) / max(1, steps - recipe.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return factor


def warm_ema(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An exponential moving average that forgets its random start: the decay grows to its value."""

    def update(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        now = min(decay, (1 + float(count)) / (10 + float(count)))
        return average * now + current * (1 - now)

    return update
