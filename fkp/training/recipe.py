"""What a recipe is: everything that decides what a training run produces."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fkp import schemes
from fkp.export.weight_dtype import Storage
from fkp.models import KeypointModel, Preprocess, create
from fkp.training.augment import NO_AUGMENTATION, Augmentation
from fkp.training.losses import Loss


@dataclass(frozen=True, slots=True)
class Recipe:
    """One network and how it is trained.

    Attributes:
        name: of the recipe, the run and the exported model.
        summary: one line for people who choose a model.
        source: the paper or report that it follows, and where it departs from it.
        series: of the exported model, see `ModelSpec`.
        scheme: landmark scheme; `nose1` takes the nose tip of whatever scheme the data has.
        train, validation: names of data sets.
        network, options: what `fkp.models.create` builds.
        input_size: (H, W) of the crop in pixels.
        margin: side of the crop over the longer side of the face box.
        gray, normalization: see `fkp.models.Preprocess`.
        initial: name of a recipe whose trained weights this one starts from: of the same network, or of one
            that has more layers.
        teacher, distillation_weight: a trained recipe whose answers to the varied crops and their mirror
            images are learned as well as the true points, and their share of the loss.
        epochs, batch_size: as usual; `samples_per_epoch` cycles the data, None takes each once.
        learning_rate, weight_decay: of the optimizer; decay spares biases and norms.
        schedule: "cosine" falls to zero at the end, "constant" stays, both after `warmup_steps`.
        clip: largest gradient norm, 0 for none.
        ema: decay of the averaged weights that are validated and exported, 0 for none.
        keep: export the weights of the "best" validation epoch, or of the "last" one, for
            recipes whose reported figure is that same validation part.
        precision: "bf16" (autocast) or "fp32".
        storage: how the exported file holds its weights: "float32", "half" (precision) or "int8" (with a
            scale per output channel).
        seed: of everything random.
    """

    name: str
    summary: str
    source: str
    scheme: str
    train: tuple[str, ...]
    validation: str
    network: str
    input_size: tuple[int, int]
    margin: float
    loss: Loss
    epochs: int
    batch_size: int
    options: Mapping[str, object] = field(default_factory=dict)
    gray: bool = False
    normalization: str = "min-max"
    initial: str | None = None
    teacher: str | None = None
    distillation_weight: float = 0.5
    augmentation: Augmentation = NO_AUGMENTATION
    samples_per_epoch: int | None = None
    optimizer: Literal["adam", "adamw", "rmsprop"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Literal["cosine", "constant"] = "constant"
    warmup_steps: int = 0
    clip: float = 0.0
    ema: float = 0.0
    keep: Literal["best", "last"] = "best"
    precision: Literal["bf16", "fp32"] = "fp32"
    storage: Storage = "float32"
    seed: int = 0
    series: str = ""

    @property
    def command(self) -> str:
        return f"train {self.name}"

    def build(self) -> KeypointModel:
        """The recipe's model, with fresh weights."""
        preprocess = Preprocess(self.gray, self.normalization)
        points = schemes.get_scheme(self.scheme).num_points
        network = create(self.network, points, self.input_size, preprocess.channels, **self.options)
        return KeypointModel(preprocess, network)

    def to_dict(self) -> dict[str, object]:
        return dataclasses.asdict(self)
