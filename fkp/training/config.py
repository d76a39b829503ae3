"""How a network is trained, whatever it learns: the part that all recipes share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from torch import nn

from fkp.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """The training loop's settings.

    Attributes:
        epochs, batch_size: as usual.
        samples_per_epoch: how many samples an epoch draws, cycling the data; None takes each once.
        optimizer: its weight decay spares biases and norms.
        learning_rate, weight_decay: of the optimizer.
        schedule: "cosine" falls to zero at the end, "constant" stays, both after `warmup_steps`.
        clip: largest gradient norm, 0 for none.
        ema: decay of the averaged weights that are validated and exported, 0 for none.
        precision: "bf16" (autocast) or "fp32".
        seed: of everything random.
    """

    epochs: int
    batch_size: int
    samples_per_epoch: int | None = None
    optimizer: Literal["adam", "adamw", "rmsprop"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Literal["cosine", "constant"] = "constant"
    warmup_steps: int = 0
    clip: float = 0.0
    ema: float = 0.0
    precision: Literal["bf16", "fp32"] = "fp32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRecipe:
    """What a landmark model's and a detector's recipe have in common.

    Attributes:
        name: of the recipe, the run and the exported model.
        summary: one line, for choosing a model.
        source: the paper or report that it follows, and where it departs from it.
        validation: name of the data set that measures it while it trains.
        config: of the training loop.
        initial: name of a recipe whose trained weights this one starts from, None for fresh ones.
    """

    name: str
    summary: str
    source: str
    validation: str
    config: TrainingConfig
    initial: str | None = None

    def __post_init__(self) -> None:
        check_choices(self)

    @property
    def command(self) -> str:
        """What `python -m fkp` trains it by."""
        raise NotImplementedError

    def build(self) -> nn.Module:
        """The recipe's model, with fresh weights."""
        raise NotImplementedError

    def replace(self, **changes: Any) -> Self:
        """The recipe with other values of its fields and of its config's fields."""
        names = {field.name for field in dataclasses.fields(TrainingConfig)}
        inner = {name: changes.pop(name) for name in names & changes.keys()}
        return dataclasses.replace(self, config=dataclasses.replace(self.config, **inner), **changes)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain values, for the files of its run."""
        return dataclasses.asdict(self)


def check_choices(config: Any) -> None:
    """Raise UsageError where a dataclass has another value than its field's `Literal` lists."""
    for name, hint in get_type_hints(type(config)).items():
        if get_origin(hint) is Literal and getattr(config, name) not in get_args(hint):
            known = ", ".join(get_args(hint))
            raise UsageError(f"unknown {name} {getattr(config, name)!r}; known: {known}")
