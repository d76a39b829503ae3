"""The optimizer, its learning rate over time, and averaged weights, for every training loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from fkp.training.config import TrainingConfig


def new_optimizer(config: TrainingConfig, model: nn.Module) -> torch.optim.Optimizer:
    """The config's optimizer; weight decay does not apply to biases and norms."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    decaying: dict[str, Any] = {"params": matrices, "weight_decay": config.weight_decay}
    groups = [decaying, {"params": vectors}]
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=config.learning_rate, weight_decay=0.0)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
    # Fused: on a CPU a large network's step takes a tenth of the time.
    return kind(groups, lr=config.learning_rate, weight_decay=0.0, fused=True)


def rate_factor(config: TrainingConfig, steps: int) -> Callable[[int], float]:
    """What the learning rate is multiplied by at each of so many steps."""

    def factor(step: int) -> float:
        if step < config.warmup_steps:
            return (step + 1) / config.warmup_steps
        if config.schedule == "constant":
            return 1.0
        progress = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return factor


def warm_ema(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An exponential moving average that forgets its random start: the decay grows to its value."""

    def update(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        now = min(decay, (1 + float(count)) / (10 + float(count)))
        return average * now + current * (1 - now)

    return update
