"""ModelSpec: what an exported file says of itself, as JSON in its ONNX metadata."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fkp.errors import SpecError

METADATA_KEY = "fkp"
INPUT_NAME = "image"
OUTPUT_NAMES = ("points", "scores")
DETECTOR_OUTPUT_NAMES = ("boxes", "scores")
DETECTOR_THRESHOLD = 0.65  # score of a face: on validation pictures few faces are below it

_NAME = re.compile(r"[\w.+-]+")


@dataclass(frozen=True, slots=True)
class Validation:
    """A figure measured while training, on faces that were not trained on."""

    dataset: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything the runtime, the demo and the leaderboard know about a model file.

    Attributes:
        name: the model's name; its file is `NAME.onnx`, so it has letters, digits, ".", "+", "-" and "_".
        scheme: name of the landmark scheme of its points.
        input_size: (H, W) of the crop in pixels.
        margin: side of the crop's square over the longer side of the face box.
        summary: one line for people who choose a model.
        source: the paper or report that the network comes from.
        training_data: data set -> number of faces trained on.
        pretrained: what the weights started from, "from scratch" where nothing.
        parameters: number of trained values.
        multiply_adds: for one crop.
        validation: measured on held-out faces, None where nothing was.
        licence: words on what the weights may be used for.
        created: ISO date of the export.
        versions: library -> version that trained and exported it.
        revision: git revision of the code, "unknown" outside a checkout.
    """

    name: str
    scheme: str
    input_size: tuple[int, int]
    margin: float
    summary: str
    source: str
    training_data: Mapping[str, int] = field(default_factory=dict)
    pretrained: str = "from scratch"
    parameters: int = 0
    multiply_adds: int = 0
    validation: Validation | None = None
    licence: str = ""
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    revision: str = "unknown"

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """The spec that `to_json` wrote.

        Fields that this version does not know are passed over, so that newer files still load.

        Raises:
            SpecError: not JSON, or a field is missing or of the wrong kind.
        """
        try:
            known = {f.name for f in dataclasses.fields(cls)}
            values = {k: v for k, v in json.loads(text).items() if k in known}
            for name in ("name", "scheme", "summary", "source"):
                if not isinstance(values[name], str):
                    raise TypeError(f"{name} is not a text")
            height, width = values["input_size"]
            values["input_size"] = (int(height), int(width))
            values["margin"] = float(values["margin"])
            if values.get("validation") is not None:
                values["validation"] = Validation(**values["validation"])
            spec = cls(**values)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise SpecError(f"the model's description of itself cannot be read: {error!r}") from error
        if not _NAME.fullmatch(spec.name):
            raise SpecError(f"a model's name is of letters, digits, '.', '+', '-' and '_', not {spec.name!r}")
        if min(spec.input_size) < 1 or not 0 < spec.margin < 100:
            raise SpecError(f"impossible input size {spec.input_size} or margin {spec.margin}")
        return spec


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """What an exported face detector says of itself; fields without words here mean what they mean in
    `ModelSpec`.

    Attributes:
        training_data: "pictures", and "faces" in them.
        multiply_adds: for a picture of 640x480.
        recall: share of the validation faces found at IoU 0.5.
    """

    name: str
    summary: str
    source: str
    training_data: Mapping[str, int]
    parameters: int
    multiply_adds: int
    recall: Validation
    licence: str
    created: str
    versions: Mapping[str, str]
    revision: str

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> DetectorSpec:
        """The spec that `to_json` wrote.

        Raises:
            SpecError: not JSON, or a field is missing.
        """
        try:
            known = {f.name for f in dataclasses.fields(cls)}
            values = {k: v for k, v in json.loads(text).items() if k in known}
            return cls(**values | {"recall": Validation(**values["recall"])})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SpecError(f"the detector's description of itself cannot be read: {error!r}") from error
