"""The rows of the results: frozen dataclasses, read from CSV text once and written back digit by digit.

A field is the column of its name. Its metadata may change that: `column` is another name, `prefix` makes a
column of every key of a mapping, `format` is how a number is written.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")


def columns(prefix: str = "") -> Any:
    """A field that takes all columns that begin so and belong to no other field."""
    return field(default_factory=dict, metadata={"prefix": prefix})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The model, or the face detector, that was measured: the fields of every row.

    Attributes:
        model: its name.
        sha256: of its file; of a baseline, of what determines its predictions.
        provider: the ONNX Runtime provider that ran it, or "own", "opencv".
        origin: as `Candidate.origin`; empty for a detector.
        host: the kind of machine, as `host_kind` names it.
        precision: of its arithmetic.
        series: the series that the model belongs to, as in its `ModelSpec`.
    """

    part: ClassVar[str]  # the first word of the files' names
    key: ClassVar[tuple[str, ...]]  # the fields that name a row; the others are what was measured

    model: str
    sha256: str
    provider: str
    origin: str = ""
    host: str = ""
    precision: str = "fp32"
    series: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """The values of `key`, as text."""
        return tuple(text(getattr(self, name)) for name in self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRow(Row):
    """Errors on one data set, in one scheme, for one source of boxes (see `BoxSource`)."""

    part: ClassVar[str] = "accuracy"
    key: ClassVar[tuple[str, ...]] = ("model", "dataset", "scheme", "boxes", "passes")

    dataset: str
    scheme: str
    boxes: str
    passes: int = 1
    detector: str = ""  # SHA-256 of the runtime's detector, where its boxes are used
    normalizer: str = field(default="", metadata={"column": "normaliser"})
    faces: int = 0
    missed: float
    nme: float
    nme_median: float | None = None
    fr8: float
    auc8: float
    mae: float
    nme_inner: float | None = None
    mae_of: Mapping[str, float] = columns("mae_")  # region -> MAE, pixels
    nme_of: Mapping[str, float] = columns("nme_")  # region -> NME, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class CedRow(Row):
    """A cumulative error distribution: percent of NME -> percent of faces at or below it."""

    part: ClassVar[str] = "ced"
    key: ClassVar[tuple[str, ...]] = AccuracyRow.key

    dataset: str
    scheme: str
    boxes: str
    passes: int = 1
    detector: str = ""
    shares: Mapping[str, float] = columns()


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRow(Row):
    """Milliseconds of one kind of work ("network", "face" or "whole", see `tasks.latency`)."""

    part: ClassVar[str] = "latency"
    key: ClassVar[tuple[str, ...]] = ("model", "kind", "provider", "threads", "batch")

    cpu: str = ""
    versions: str = ""
    date: str = ""
    kind: str
    threads: int
    batch: int
    median_ms: float
    p90_ms: float
    p99_ms: float
    faces_per_s: float
    runs: int = 0
    load: float | None = None
    file_mb: float | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    load_ms: float | None = None
    memory_mb: float | None = None
    gmacs_per_s: float | None = None
    peak_share: float | None = None
    decode_ms: float | None = None
    detect_ms: float | None = None
    crop_ms: float | None = None
    network_ms: float | None = None
    draw_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterleavedRow(Row):
    """A model's time beside that of a rival, with interleaved runs."""

    part: ClassVar[str] = "turns"
    key: ClassVar[tuple[str, ...]] = ("model", "rival", "provider", "threads")

    cpu: str = ""
    versions: str = ""
    date: str = ""
    rival: str
    rival_sha256: str
    threads: int
    median_ms: float
    ratio: float
    ratio_from: float
    ratio_to: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessRow(Row):
    """Errors under one condition; kind "summary" is the mean over all distortions."""

    part: ClassVar[str] = "robustness"
    key: ClassVar[tuple[str, ...]] = ("model", "dataset", "scheme", "kind", "severity")

    dataset: str
    scheme: str
    faces: int = 0
    kind: str
    severity: float
    nme: float
    fr8: float | None = None
    wobble: float | None = None
    lost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KaggleRow(Row):
    """A submission's score on the images whose points are known."""

    part: ClassVar[str] = "kaggle"
    key: ClassVar[tuple[str, ...]] = ("model",)

    images: int
    covered: int
    mae: float
    mae_of: Mapping[str, float] = columns("mae_")  # region or folder -> MAE, pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRow(Row):
    """What a face detector finds in one set of pictures, and how long it takes."""

    part: ClassVar[str] = "detect"
    key: ClassVar[tuple[str, ...]] = ("model", "dataset")

    dataset: str
    pictures: int = 0
    faces: int = 0
    recall35: float | None = None
    recall50: float | None = None
    iou: float | None = None
    false_boxes: float | None = None
    ms: float | None = None
    p90_ms: float | None = None
    runs: int | None = None
    load: float | None = None
    cpu: str = ""
    versions: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxesRow(Row):
    """Errors of a landmark model in the boxes of one detector; `boxes` is its name, or "truth"."""

    part: ClassVar[str] = "boxes"
    key: ClassVar[tuple[str, ...]] = ("model", "boxes", "passes")

    dataset: str = ""
    boxes: str
    passes: int
    faces: int = 0
    missed: float
    nme: float
    nme_median: float | None = None
    fr8: float
    auc8: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceRow(Row):
    """Errors and scores of one group of faces."""

    part: ClassVar[str] = "confidence"
    key: ClassVar[tuple[str, ...]] = ("model", "dataset", "group")

    dataset: str
    scheme: str
    group: str
    faces: int
    nme: float
    fr8: float
    score: float
    rank_correlation: float | None = None
    point_rank_correlation: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LargePoseRow(Row):
    """Errors and visibility of one group of head poses."""

    part: ClassVar[str] = "large-pose"
    key: ClassVar[tuple[str, ...]] = ("model", "dataset", "pose")

    dataset: str
    pose: str
    faces: int
    nme: float
    nme_same_style: float
    auc_hidden: float | None = None
    auc_covered: float | None = None
    calibration_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseRow(Row):
    """Errors of an angle of the head, as `tasks.pose.Errors`; `points`: "predicted" or "annotated"."""

    part: ClassVar[str] = "pose"
    key: ClassVar[tuple[str, ...]] = ("model", "dataset", "angle", "points", "group")

    dataset: str
    angle: str
    points: str
    group: str
    faces: int
    mae: float
    mae_from: float
    mae_to: float
    median: float
    bias: float | None = None
    within: float | None = None


ROW_TYPES: tuple[type[Row], ...] = (
    *(AccuracyRow, CedRow, LatencyRow, InterleavedRow, RobustnessRow, KaggleRow),
    *(DetectionRow, BoxesRow, ConfidenceRow, LargePoseRow, PoseRow),
)


def text(value: object, form: str = "") -> str:
    """A value as a CSV has it: floats with four digits, or as `form` says, None as nothing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:{form}}" if form else f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)


def to_text(row: Any) -> dict[str, str]:
    """A row, of this module or any other dataclass of such fields, as column -> text."""
    values: dict[str, str] = {}
    for f in dataclasses.fields(row):
        value = getattr(row, f.name)
        if "prefix" in f.metadata:
            values |= {f.metadata["prefix"] + name: text(v) for name, v in value.items()}
        else:
            values[f.metadata.get("column", f.name)] = text(value, f.metadata.get("format", ""))
    return values


def from_text(kind: type[T], values: Mapping[str, str]) -> T:
    """The row that `to_text` wrote; a column that is not there keeps its default, or is None.

    Raises:
        ValueError: a value is missing or is not what its column wants.
    """
    row_type: Any = kind  # some dataclass
    fixed, open_ended = _columns(row_type)
    row: dict[str, Any] = {}
    for name, (column, parse) in fixed.items():
        if column in values:
            try:
                row[name] = parse(values[column])
            except ValueError:
                raise ValueError(f"{column} cannot be {values[column]!r}") from None
        elif parse in (_optional_int, _optional_float):
            row[name] = None
    named = {column for column, _ in fixed.values()}
    for name, prefix in open_ended.items():
        rest = [c for c in values if c not in named and c.startswith(prefix) and values[c]]
        row[name] = {column.removeprefix(prefix): float(values[column]) for column in rest}
    try:
        return row_type(**row)
    except TypeError as error:
        raise ValueError(str(error).partition("() ")[2]) from None


@functools.cache
def _columns(row_type: Any) -> tuple[dict[str, tuple[str, Callable[[str], Any]]], dict[str, str]]:
    """Field -> its column and what reads it; and the fields of many columns -> their prefix."""
    hints = typing.get_type_hints(row_type)
    fixed, open_ended = {}, {}
    for f in dataclasses.fields(row_type):
        if "prefix" in f.metadata:
            open_ended[f.name] = f.metadata["prefix"]
        else:
            fixed[f.name] = (f.metadata.get("column", f.name), _PARSERS[hints[f.name]])
    return fixed, open_ended


def _optional_int(value: str) -> int | None:
    return int(value) if value else None


def _optional_float(value: str) -> float | None:
    return float(value) if value else None


_PARSERS: Mapping[object, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    int | None: _optional_int,
    float | None: _optional_float,
}
