"""ModelSpec and DetectorSpec: the descriptions of exported files, as JSON in their ONNX metadata."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar, get_args, get_origin, get_type_hints

from fkp.errors import SpecError
from fkp.schemes import SCHEMES

METADATA_KEY = "fkp"
INPUT_NAME = "image"
OUTPUT_NAMES = ("points", "scores")
VISIBLE_NAME = "visible"  # an output that not every model has
DETECTOR_OUTPUT_NAMES = ("boxes", "scores")
DETECTOR_THRESHOLD = 0.65  # score of a face: on validation pictures few faces are below it

Precision = Literal["fp32", "int8"]

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]{0,99}")
_LONGEST_JSON = 100_000  # characters; real ones have about 1,000
_LARGEST_COUNT = 10**15
_LARGEST_SIDE = 4096  # pixels
_JSON_KEYS = {"license": "licence"}  # where the JSON's key differs from the field's name

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Validation:
    """A figure measured while training, on faces that were not trained on.

    Attributes:
        dataset: name of the validation faces.
        metric: what was measured, with its unit.
        value: the figure, 0 or more.
        epoch: the epoch of the weights; None where that is not known.
    """

    dataset: str
    metric: str
    value: float
    epoch: int | None = None

    def _problem(self) -> str | None:
        return None if self.value >= 0 else f"a negative validation figure ({self.value})"


class _Spec:
    """Reads and writes a spec."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The spec as a JSON object."""
        values = dataclasses.asdict(self)  # type: ignore[call-overload]
        return {_JSON_KEYS.get(name, name): value for name, value in values.items()}

    def to_json(self) -> str:
        """The spec as JSON."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """The spec that `to_dict` gave.

        Fields that this version does not know are ignored, so that newer files still load.

        Raises:
            SpecError: a field is missing, of the wrong type, or has an impossible value.
        """
        return _from_dict(cls, values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The spec that `to_json` wrote.

        Raises:
            SpecError: the text is not JSON, or as in `from_dict`.
        """
        if len(text) > _LONGEST_JSON:
            raise SpecError(f"its description has {len(text):,} characters, more than {_LONGEST_JSON:,}")
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"its description is not JSON: {error}") from error
        return cls.from_dict(values)


@dataclass(frozen=True, slots=True)
class ModelSpec(_Spec):
    """Everything the runtime, the demo and the leaderboard know about a model file.

    Attributes:
        name: the model's name; its file is `NAME.onnx`, so it has letters, digits, ".", "+", "-" and "_".
        scheme: name of the landmark scheme of its points.
        input_size: (H, W) of the crop in pixels.
        margin: side of the crop's square over the longer side of the face box.
        summary: one line, for choosing a model.
        source: the paper or report that the network comes from.
        series: "course-reports" for the networks of the five course reports, else "".
        precision: of the arithmetic; a network with weights stored in int8 still computes in fp32.
        training_data: data set -> number of faces trained on.
        pretrained: what the weights started from, "from scratch" where nothing.
        parameters: number of trained values.
        multiply_adds: for one crop.
        validation: measured on held-out faces, None where nothing was.
        reliable_score: mean score of a face from which its points can be trusted; None where it is not known.
        license: what the weights may be used for; the key in the JSON is `licence`.
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
    series: str = ""
    precision: Precision = "fp32"
    training_data: Mapping[str, int] = field(default_factory=dict)
    pretrained: str = "from scratch"
    parameters: int = 0
    multiply_adds: int = 0
    validation: Validation | None = None
    reliable_score: float | None = None
    license: str = ""
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    revision: str = "unknown"

    def _problem(self) -> str | None:
        if self.scheme not in SCHEMES:
            return f"the unknown landmark scheme {self.scheme!r}; known: {', '.join(SCHEMES)}"
        if not all(1 <= side <= _LARGEST_SIDE for side in self.input_size):
            return f"an impossible input size {self.input_size}"
        if not 0.1 <= self.margin <= 10:
            return f"an impossible margin {self.margin}"
        if self.reliable_score is not None and not 0 <= self.reliable_score <= 1:
            return f"an impossible reliable_score {self.reliable_score}"
        return None


@dataclass(frozen=True, slots=True)
class DetectorSpec(_Spec):
    """The description of an exported face detector; fields that are not listed here mean what they mean in
    `ModelSpec`.

    Attributes:
        threshold: boxes that score less are no faces.
        step: height and width of the input are multiples of it, in pixels.
        training_data: "pictures", and "faces" in them.
        multiply_adds: for a picture of 640x480.
        recall: share of the validation faces found at IoU 0.5.
    """

    name: str
    summary: str
    source: str
    threshold: float
    step: int
    training_data: Mapping[str, int]
    parameters: int
    multiply_adds: int
    recall: Validation
    license: str
    created: str
    versions: Mapping[str, str]
    revision: str
    precision: Precision = "fp32"

    def _problem(self) -> str | None:
        if not 0 < self.threshold < 1:
            return f"an impossible threshold {self.threshold}"
        if not 1 <= self.step <= _LARGEST_SIDE:
            return f"an impossible step {self.step}"
        return None if self.recall.value <= 1 else f"an impossible recall {self.recall.value}"


def _from_dict(cls: type[T], values: object, inside: str = "") -> T:
    """A dataclass of this module from a JSON object, each field checked against its annotation."""
    if not isinstance(values, dict):
        raise SpecError(f"{repr(inside) + ' in ' if inside else ''}its description must be a JSON object")
    hints, read = get_type_hints(cls), {}
    for one in dataclasses.fields(cls):  # type: ignore[arg-type]
        key = _JSON_KEYS.get(one.name, one.name)
        path = f"{inside}.{key}" if inside else key
        if key in values:
            read[one.name] = _value(hints[one.name], path, values[key])
        elif one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            raise SpecError(f"its description lacks the field {path!r}")
    if not _NAME.fullmatch(read.get("name", "x")):
        words = "letters, digits, '.', '+', '-' and '_'"
        raise SpecError(f"its description has the name {read['name']!r}; a name is made of {words}")
    spec = cls(**read)
    if problem := spec._problem():  # type: ignore[attr-defined]
        raise SpecError(f"its description has {problem}")
    return spec


_SIMPLE: Mapping[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("one line of text", lambda v: isinstance(v, str) and v.isprintable()),
    int: ("a whole number, 0 or more", lambda v: type(v) is int and 0 <= v <= _LARGEST_COUNT),
    float: ("a finite number", lambda v: type(v) in (int, float) and abs(v) <= 1e300 and math.isfinite(v)),
}


def _value(hint: Any, key: str, value: Any) -> Any:
    """A value of JSON as the type that an annotation says."""
    if hint in _SIMPLE:
        expected, fits = _SIMPLE[hint]
        if not fits(value):
            raise SpecError(f"{key!r} in its description must be {expected}")
        return hint(value)
    options = get_args(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _from_dict(hint, value, key)
    if get_origin(hint) is Literal:
        if value not in options:
            raise SpecError(f"{key!r} in its description must be one of: {', '.join(options)}")
    elif get_origin(hint) is tuple:
        if not isinstance(value, list) or len(value) != len(options):
            raise SpecError(f"{key!r} in its description must be a list of {len(options)}")
        return tuple(_value(option, key, part) for option, part in zip(options, value, strict=True))
    elif get_origin(hint) is Mapping:
        if not isinstance(value, dict):
            raise SpecError(f"{key!r} in its description must be a JSON object")
        return {_value(str, key, name): _value(options[1], key, part) for name, part in value.items()}
    else:  # `X | None`
        return None if value is None else _value(options[0], key, value)
    return value
