"""ResultSet: the rows that count, and the figures that tables and charts take from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from bench.baselines import BASELINES
from bench.detectors import detector_hash
from bench.faces import DETECTOR, OWN, SOURCES, TRUTH, BoxSource
from bench.protocol import NOSE_TIPS
from bench.results import is_gone, keep_only, read_rows
from bench.rows import (
    ROW_TYPES,
    AccuracyRow,
    BoxesRow,
    CedRow,
    ConfidenceRow,
    DetectionRow,
    InterleavedRow,
    KaggleRow,
    LargePoseRow,
    LatencyRow,
    PoseRow,
    RobustnessRow,
    Row,
)
from bench.tasks.distortions import DISTORTIONS
from fkp.datasets import TEST_SETS
from fkp.runtime.folders import models_folder
from fkp.runtime.index import read_index
from fkp.schemes import NOSE1, REGIONS

R = TypeVar("R", bound=Row)
_MAIN = BoxSource(TRUTH)  # the boxes of the main figures


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of models: its heading, what it means, and whether less of it is better."""

    name: str
    title: str
    hint: str
    low_is_good: bool = True
    digits: int = 2


MAIN_COLUMNS = (
    Column("nme", "NME %", "mean error over the distance of the outer eye corners; true boxes"),
    Column("nme_inner", "no jaw %", "NME without the jaw line; true boxes"),
    Column("nme_dataset", "data set's box", "NME with the boxes that come with the data set"),
    Column("nme_detector", "detector", "NME of the faces found, with the runtime's face detector"),
    Column(
        "nme_detector_refined", "2 passes", "as before, with a second crop around the first pass's points"
    ),
    Column(
        "nme_own",
        "own detector",
        "NME of the faces found, with the face detector that a baseline brings along",
    ),
    Column("missed", "missed %", "faces that the runtime's detector does not find", digits=1),
    Column("missed_own", "own missed %", "faces that a baseline's own face detector does not find", digits=1),
    Column("fr8", "FR@8 %", "faces with an NME above 8 %; true boxes"),
    Column("auc8", "AUC@8 %", "area under the CED curve up to 8 %; true boxes", low_is_good=False, digits=1),
    Column("mae", "MAE px", "mean of |dx| and |dy| in pixels of the original pictures; true boxes"),
    Column("robust", "robust %", "mean capped NME over ten kinds of distortion, five severities each"),
    Column("mirror", "mirror %", "difference between a face's points and its mirror image's"),
    Column(
        "wobble",
        "wobble %",
        "frame-to-frame wobble in a video with the runtime's smoothing; none where the face is mostly lost",
    ),
    Column("ms", "ms", "from a picture and a face's box to its points, one thread"),
    Column("whole_ms", "whole ms", "decode, detect, crop, network, draw; one thread", digits=0),
    Column("file_mb", "MB", "size of the file"),
    Column("gmacs", "G mult-adds", "multiply-adds for one face", digits=3),
)


@dataclass(frozen=True)
class ResultSet:
    """All rows that count: the newest of each key, without those of models that are gone or have changed.

    Attributes:
        accuracy, ced, latency, turns, robustness, kaggle, detect, boxes, confidence: the rows of each part.
        host: the machine whose times the tables of models show.
        notes: model -> what a reader must know of it.
    """

    accuracy: list[AccuracyRow]
    ced: list[CedRow]
    latency: list[LatencyRow]
    turns: list[InterleavedRow]
    robustness: list[RobustnessRow]
    kaggle: list[KaggleRow]
    detect: list[DetectionRow]
    boxes: list[BoxesRow]
    confidence: list[ConfidenceRow]
    host: str
    notes: Mapping[str, str]

    @classmethod
    def read(cls, results: Path) -> ResultSet:
        """The rows of a folder of CSVs."""
        index = read_index(models_folder())
        reported = (kind for kind in ROW_TYPES if kind not in (LargePoseRow, PoseRow))
        parts: dict[str, Any] = {kind.part: _counting(results, kind, index) for kind in reported}
        hosts = Counter(row.host for row in parts["latency"])
        notes = {name: _note(row.get("spec") or {}) for name, row in index.items()}
        notes |= {name: baseline.note for name, baseline in BASELINES.items()}
        return cls(**parts, host=hosts.most_common(1)[0][0] if hosts else "", notes=notes)

    @cached_property
    def unshipped(self) -> set[str]:
        """Models that have rows, but are neither exported nor a baseline."""
        return {row.model for row in self.accuracy} - self.notes.keys()

    def models(self, scheme: str, series: bool | None = None) -> list[str]:
        """The models whose points are of that scheme, the best first.

        Args:
            scheme: its name.
            series: True for the models of a series only, False for the others only.
        """
        own = [
            r for r in self.accuracy if (r.scheme, r.dataset) == (scheme, TEST_SETS[scheme]) and _is_main(r)
        ]
        if scheme == NOSE1.name:
            fuller = {row.model for row in self.accuracy if row.scheme != scheme}
            own = [row for row in own if row.model not in fuller]
        if series is not None:
            own = [row for row in own if bool(row.series) == series]
        return [row.model for row in sorted(own, key=lambda row: row.nme)]

    def nose_tips(self) -> list[AccuracyRow]:
        """The rows of every model's nose tip on the IMM faces, the best first."""
        rows = [r for r in self.accuracy if (r.scheme, r.dataset) == (NOSE1.name, NOSE_TIPS) and _is_main(r)]
        return sorted(rows, key=lambda row: row.nme)

    def accuracy_row(
        self, model: str, scheme: str, dataset: str, source: BoxSource = _MAIN
    ) -> AccuracyRow | None:
        """One model's errors on one data set."""
        return self._accuracy.get((model, dataset, scheme, source.kind, str(source.passes)))

    @cached_property
    def _accuracy(self) -> Mapping[tuple[str, ...], AccuracyRow]:
        return {row.identity: row for row in self.accuracy}

    def figures(self, model: str, scheme: str) -> dict[str, float]:
        """The figures of one model for `MAIN_COLUMNS`; what was not measured is left out."""
        values: dict[str, float | None] = {}
        for source in SOURCES:
            row = self.accuracy_row(model, scheme, TEST_SETS[scheme], source)
            if row is None:
                continue
            if source == _MAIN:
                values |= {name: getattr(row, name) for name in ("nme", "nme_inner", "fr8", "auc8", "mae")}
            else:
                values[_column(source)] = row.nme
                if source == BoxSource(DETECTOR):
                    values["missed"] = row.missed
                elif source.kind == OWN:
                    values["missed_own"] = row.missed
        conditions = {row.kind: row for row in self._robustness.get(model, ())}
        for kind, name in (("summary", "robust"), ("mirror", "mirror")):
            values[name] = conditions[kind].nme if kind in conditions else None
        values["wobble"] = conditions["jitter smoothed"].wobble if "jitter smoothed" in conditions else None
        for kind, name in (("face", "ms"), ("whole", "whole_ms")):
            if (time := self.latency_row(model, kind)) is not None:
                values[name] = time.median_ms
                if time.provider != "own":  # a baseline has no file of ours
                    values["file_mb"] = time.file_mb
                    values["gmacs"] = time.multiply_adds / 1e9 if time.multiply_adds else None
        return {name: value for name, value in values.items() if value is not None}

    def latency_row(self, model: str, kind: str) -> LatencyRow | None:
        """One face on one CPU thread, on the host of the tables; of a baseline, in whatever runs it."""
        rows = [
            row
            for row in self._latency.get(model, ())
            if (row.kind, row.host, row.threads, row.batch) == (kind, self.host, 1, 1)
        ]
        by_provider = {row.provider: row for row in rows}
        return by_provider.get("cpu") or by_provider.get("own")

    @cached_property
    def _latency(self) -> Mapping[str, list[LatencyRow]]:
        return _by_model(self.latency)

    @cached_property
    def _robustness(self) -> Mapping[str, list[RobustnessRow]]:
        return _by_model(self.robustness)

    def regions(self, model: str, scheme: str) -> Mapping[str, float]:
        """Region -> NME in percent, true boxes."""
        row = self.accuracy_row(model, scheme, TEST_SETS[scheme])
        return {name: row.nme_of[name] for name in REGIONS if name in row.nme_of} if row else {}

    def curve(self, model: str, kind: str) -> list[tuple[float, float]]:
        """Severity and capped NME of one kind of distortion, beginning with the clean faces."""
        rows = self._robustness.get(model, ())
        points = [(DISTORTIONS[kind].none, row.nme) for row in rows if row.kind == "clean"]
        return sorted(points + [(row.severity, row.nme) for row in rows if row.kind == kind])

    def kind_mean(self, model: str, kind: str) -> float | None:
        """The mean of one kind of distortion over its severities."""
        values = [row.nme for row in self._robustness.get(model, ()) if row.kind == kind]
        return sum(values) / len(values) if values else None

    def ced_curve(self, model: str, scheme: str) -> list[tuple[float, float]]:
        """Error and share of faces in percent, true boxes."""
        wanted = (model, TEST_SETS[scheme], scheme, TRUTH, "1")
        row = next((row for row in self.ced if row.identity == wanted), None)
        return sorted((float(error), share) for error, share in row.shares.items()) if row else []


def _is_main(row: AccuracyRow) -> bool:
    return BoxSource(row.boxes, row.passes) == _MAIN


def _column(source: BoxSource) -> str:
    """The name of the main column of NMEs for a source of boxes."""
    return f"nme_{source.kind}" + ("_refined" if source.passes == 2 else "")


def _by_model(rows: Iterable[R]) -> Mapping[str, list[R]]:
    grouped: dict[str, list[R]] = {}
    for row in rows:
        grouped.setdefault(row.model, []).append(row)
    return grouped


def forget_outdated(results: Path) -> int:
    """Delete the rows that count no more from a folder of CSVs: of models that are gone or have changed, and
    what was measured anew; returns how many."""
    index = read_index(models_folder())
    return sum(keep_only(results, kind, _counting(results, kind, index)) for kind in ROW_TYPES)


def _counting(results: Path, kind: type[R], index: Mapping[str, Mapping[str, Any]]) -> list[R]:
    """The newest row of each key, without those of models that are gone or have changed.

    What does not depend on the provider counts from the CPU's where that was measured; times count for each
    host.
    """
    rows = (r for r in read_rows(results, kind) if _is_current(r, index) and not is_gone(r, index))
    ranked = sorted(rows, key=lambda row: row.provider == "cpu")
    per_host = kind in (LatencyRow, InterleavedRow)
    return list({(row.host if per_host else "", *row.identity): row for row in ranked}.values())


def _is_current(row: Row, index: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the files of a row's model, and of its rival and detector where it has some, are today's."""
    if isinstance(row, DetectionRow):  # a face detector, which is not in the index of models
        return True
    if isinstance(row, AccuracyRow | CedRow) and row.boxes == DETECTOR and row.detector != detector_hash():
        return False
    files = [(row.model, row.sha256)]
    if isinstance(row, InterleavedRow):
        files.append((row.rival, row.rival_sha256))
    return all(index.get(name, {}).get("sha256", sha256) == sha256 for name, sha256 in files)


def _note(spec: Mapping[str, Any]) -> str:
    """A model's own words, and what it was trained on."""
    counts = ", ".join(f"{count} faces of {name}" for name, count in spec.get("training_data", {}).items())
    return f"{spec.get('summary', '')}. Trained on {counts or 'unknown data'}; {spec.get('pretrained', '')}."


def best(values: Sequence[float | None], low_is_good: bool) -> float | None:
    """The best of a column's values; None where they do not differ."""
    choose: Callable[[Iterable[float]], float] = min if low_is_good else max
    there = {value for value in values if value is not None}
    return choose(there) if len(there) > 1 else None
