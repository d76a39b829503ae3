"""Recipe: everything that determines the result of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fkp import schemes
from fkp.models import KeypointModel, Preprocess, create
from fkp.training.augment import NO_AUGMENTATION, Augmentation
from fkp.training.config import BaseRecipe
from fkp.training.losses import Loss

WeightDtype = Literal["float32", "half", "int8"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(BaseRecipe):
    """One network and how it is trained; see `BaseRecipe` for the other fields.

    Attributes:
        series: of the exported model, see `ModelSpec`.
        scheme: landmark scheme; `nose1` takes the nose tip of whatever scheme the data has.
        train: names of data sets.
        network, options: what `fkp.models.create` builds.
        input_size: (H, W) of the crop in pixels.
        margin: side of the crop over the longer side of the face box.
        gray, normalization: see `fkp.models.Preprocess`.
        initial: of the same network, or of one that has more layers.
        teacher: a trained recipe whose predictions for the varied crops and their mirror images are learned
            as well as the true points.
        pseudo_labelers, pseudo_share: trained recipes whose mean predictions for each face and its mirror
            image, before the first epoch, are the labels of the faces that nobody annotated, and that share
            of those of the `translated` ones.
        translated: the names in `train` whose annotators have another style than `scheme`'s: each of their
            points is moved by its mean offset from what the weights of `initial` predict.
        label_shift: how far the labels are shifted to the right of mirror-symmetric ones, in percent of the
            inter-ocular distance; mirrored crops and averages with mirror images account for it.
        calibrated_on: where it is given, only the head that says which points can be seen is trained, on the
            network of `initial`, and its probabilities are calibrated on that data set.
        keep: export the weights of the "best" validation epoch, or of the "last" one, for
            recipes whose reported figure is that same validation part.
        weight_dtype: how the exported file stores its weights: "float32", "half" (precision) or "int8" (with
            a scale per output channel); whatever it is, the network computes in float32.
    """

    scheme: str
    train: tuple[str, ...]
    network: str
    input_size: tuple[int, int]
    margin: float
    loss: Loss
    series: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    gray: bool = False
    normalization: str = "min-max"
    teacher: str | None = None
    pseudo_labelers: tuple[str, ...] = ()
    pseudo_share: float = 0.0
    translated: tuple[str, ...] = ()
    label_shift: float = 0.0
    augmentation: Augmentation = NO_AUGMENTATION
    calibrated_on: str | None = None
    keep: Literal["best", "last"] = "best"
    weight_dtype: WeightDtype = "float32"

    @property
    def command(self) -> str:
        return f"train {self.name}"

    def build(self) -> KeypointModel:
        preprocess = Preprocess(self.gray, self.normalization)
        points = schemes.get_scheme(self.scheme).num_points
        network = create(self.network, points, self.input_size, preprocess.channels, **self.options)
        return KeypointModel(preprocess, network)
