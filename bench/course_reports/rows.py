"""The rows of the CSVs in docs/reports; see `bench.rows` for how they are read and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from bench.results import read_csv, to_csv
from fkp.atomic import write_text


class Measurement(Protocol):
    """What the rows below have in common.

    Attributes:
        file: the name of their CSV, without its suffix.
        key: the fields that name what was measured at once: all its rows are replaced together.
    """

    file: ClassVar[str]
    key: ClassVar[tuple[str, ...]]


M = TypeVar("M", bound=Measurement)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A training run: its settings, and its validation figures."""

    file: ClassVar[str] = "runs"
    key: ClassVar[tuple[str, ...]] = ("run",)

    run: str
    summary: str
    source: str
    validation: str
    epochs: int
    of_epochs: int
    batch_size: int
    learning_rate: float = field(metadata={"format": "g"})
    samples_per_epoch: int | None
    minutes: float
    best_nme: float
    best_epoch: int
    last_nme: float


@dataclass(frozen=True, slots=True)
class CurveRow:
    """An epoch of a run."""

    file: ClassVar[str] = "curves"
    key: ClassVar[tuple[str, ...]] = ("run",)

    run: str
    epoch: int
    train_loss: float = field(metadata={"format": ".5g"})
    val_loss: float = field(metadata={"format": ".5g"})
    val_nme: float = field(metadata={"format": ".5g"})


@dataclass(frozen=True, slots=True)
class SideRow:
    """How many faces of a data set are turned to one side."""

    file: ClassVar[str] = "sides"
    key: ClassVar[tuple[str, ...]] = ("dataset",)

    dataset: str
    turn: str
    faces: int


@dataclass(frozen=True, slots=True)
class VarianceRow:
    """The share of the variance that the first principal components hold."""

    file: ClassVar[str] = "variance"
    key: ClassVar[tuple[str, ...]] = ("dataset",)

    dataset: str
    crops: str
    components: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """What the rows of a model's measurements begin with."""

    file: ClassVar[str]
    key: ClassVar[tuple[str, ...]] = ("model", "dataset")

    model: str
    sha256: str
    dataset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTurnRow(ModelRow):
    """The NME of the faces turned to one side."""

    file: ClassVar[str] = "turn"

    turn: str
    faces: int
    nme: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRow(ModelRow):
    """The NME of the faces in one of IMM's views."""

    file: ClassVar[str] = "view"

    view: str
    faces: int
    nme: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrinkingRow(ModelRow):
    """How much smaller than the truth predictions are, see `measure.shrinking`."""

    file: ClassVar[str] = "shrinking"

    slope: float
    size: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SquaredRow(ModelRow):
    """The mean squared error in units of the picture's sides, in one kind of boxes."""

    file: ClassVar[str] = "squared"

    boxes: str
    faces: int
    mse: float = field(metadata={"format": ".6f"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CollapseRow(ModelRow):
    """The width of the predicted faces over that of the true ones."""

    file: ClassVar[str] = "collapse"

    width: float


def read(folder: Path, kind: type[M]) -> list[M]:
    """The rows of one type in a folder; none where it has no such file."""
    path = folder / f"{kind.file}.csv"
    return read_csv(path, kind) if path.is_file() else []


def keep(folder: Path, rows: Sequence[Measurement]) -> Path | None:
    """Merge rows of one type into its CSV: what is measured anew is replaced, the rest stays.

    Returns:
        its path, None where there is no row.
    """
    if not rows:
        return None
    kind = type(rows[0])

    def group(row: Any) -> tuple[str, ...]:
        return tuple(getattr(row, name) for name in kind.key)

    groups: dict[tuple[str, ...], list[Measurement]] = {}
    for part in (read(folder, kind), rows):
        for key in {group(row) for row in part}:
            groups[key] = [row for row in part if group(row) == key]
    path = folder / f"{kind.file}.csv"
    write_text(path, to_csv([row for key in sorted(groups) for row in groups[key]]))
    return path
