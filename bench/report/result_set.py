"""ResultSet: the results as the report's tables and charts want them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.baselines import BASELINES
from bench.detectors import detector_hash
from bench.results import KEYS, is_gone, keep_only, read_rows
from bench.tasks.distortions import DISTORTIONS
from fkp.datasets import TEST_SETS
from fkp.runtime.folders import models_folder
from fkp.runtime.index import read_index
from fkp.schemes import REGIONS

CsvRow = Mapping[str, str]


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
    Column("nme_detector x2", "2 passes", "as before, with a second crop around the first pass's points"),
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
    """Everything that was measured and still stands for the models of today.

    Attributes:
        accuracy, ced, latency, turns, robustness, kaggle, detect, boxes, confidence: rows of the CSVs, text
            values, newest only.
        host: whose times the tables of models show.
        notes: model -> what a reader must know of it.
    """

    accuracy: list[dict[str, str]]
    ced: list[dict[str, str]]
    latency: list[dict[str, str]]
    turns: list[dict[str, str]]
    robustness: list[dict[str, str]]
    kaggle: list[dict[str, str]]
    detect: list[dict[str, str]]
    boxes: list[dict[str, str]]
    confidence: list[dict[str, str]]
    host: str
    notes: Mapping[str, str]

    @classmethod
    def read(cls, results: Path) -> ResultSet:
        """The board of a folder of CSVs, without rows of models that have changed since or are gone."""
        index = read_index(models_folder())
        parts = {part: _counting(results, part, index) for part in KEYS}
        hosts = Counter(row["host"] for row in parts["latency"])
        notes = {name: _note(row.get("spec") or {}) for name, row in index.items()}
        notes |= {name: baseline.note for name, baseline in BASELINES.items()}
        return cls(**parts, host=hosts.most_common(1)[0][0] if hosts else "", notes=notes)

    @cached_property
    def unshipped(self) -> set[str]:
        """Models that have rows, but are neither exported nor a baseline."""
        return {row["model"] for row in self.accuracy} - self.notes.keys()

    def models(self, scheme: str) -> list[str]:
        """The models whose points are of that scheme, the best first."""
        own = self._rows(self.accuracy, scheme=scheme, dataset=TEST_SETS[scheme], boxes="truth")
        fuller = {r["model"] for r in self.accuracy if r["scheme"] != "nose1"}
        if scheme == "nose1":
            own = [row for row in own if row["model"] not in fuller]
        return [row["model"] for row in sorted(own, key=lambda row: float(row["nme"]))]

    def nose_tips(self) -> list[dict[str, str]]:
        """The rows of every model's nose tip on the IMM faces, the best first."""
        rows = self._rows(self.accuracy, scheme="nose1", dataset="imm-val", boxes="truth")
        return sorted(rows, key=lambda row: float(row["nme"]))

    def figures(self, model: str, scheme: str) -> dict[str, float]:
        """The figures of one model for `MAIN_COLUMNS`; what was not measured is left out."""
        values: dict[str, str | None] = {}
        for boxes in ("truth", "dataset", "detector", "detector x2", "own"):
            row = self._one(self.accuracy, model=model, scheme=scheme, dataset=TEST_SETS[scheme], boxes=boxes)
            if row and boxes == "truth":
                values |= {name: row.get(name) for name in ("nme", "nme_inner", "fr8", "auc8", "mae")}
            elif row:
                values[f"nme_{boxes}"] = row["nme"]
                missed = {"detector": "missed", "own": "missed_own"}.get(boxes)
                if missed:
                    values[missed] = row["missed"]
        for kind, name, column in (
            ("summary", "robust", "nme"),
            ("mirror", "mirror", "nme"),
            ("jitter smoothed", "wobble", "wobble"),
        ):
            row = self._one(self.robustness, model=model, kind=kind)
            values[name] = row[column] if row else None
        for kind, name in (("face", "ms"), ("whole", "whole_ms")):
            row = self.latency_row(model, kind)
            values[name] = row["median_ms"] if row else None
            if row and row["provider"] != "own":  # a baseline has no file of ours
                values["file_mb"] = row["file_mb"]
                values["gmacs"] = str(float(row["multiply_adds"]) / 1e9) if row["multiply_adds"] else None
        return {name: float(value) for name, value in values.items() if value}

    def latency_row(self, model: str, kind: str) -> dict[str, str] | None:
        """One face on one CPU thread, on the board's host; of a baseline, in whatever runs it."""
        found = {"model": model, "kind": kind, "host": self.host, "threads": "1", "batch": "1"}
        rows = (self._one(self.latency, **found, provider=provider) for provider in ("cpu", "own"))
        return next(filter(None, rows), None)

    def regions(self, model: str, scheme: str) -> dict[str, float]:
        """Region -> NME in percent, true boxes."""
        home = TEST_SETS[scheme]
        row = self._one(self.accuracy, model=model, scheme=scheme, dataset=home, boxes="truth") or {}
        return {name: float(row[f"nme_{name}"]) for name in REGIONS if row.get(f"nme_{name}")}

    def curve(self, model: str, kind: str) -> list[tuple[float, float]]:
        """Severity and capped NME of one kind of distortion, beginning with the clean faces."""
        clean = self._one(self.robustness, model=model, kind="clean")
        rows = self._rows(self.robustness, model=model, kind=kind)
        points = [(DISTORTIONS[kind].none, float(clean["nme"]))] if clean else []
        return sorted(points + [(float(row["severity"]), float(row["nme"])) for row in rows])

    def kind_mean(self, model: str, kind: str) -> float | None:
        """The mean of one kind over its severities."""
        values = [float(row["nme"]) for row in self._rows(self.robustness, model=model, kind=kind)]
        return sum(values) / len(values) if values and kind in DISTORTIONS else None

    def ced_curve(self, model: str, scheme: str) -> list[tuple[float, float]]:
        """Error and share of faces in percent, true boxes."""
        row = self._one(self.ced, model=model, scheme=scheme, dataset=TEST_SETS[scheme], boxes="truth") or {}
        numeric = [name for name in row if name.replace(".", "", 1).isdigit()]
        return [(float(name), float(row[name])) for name in sorted(numeric, key=float)]

    def _rows(self, part: list[dict[str, str]], **wanted: str) -> list[dict[str, str]]:
        model = wanted.pop("model", None)
        rows = part if model is None else self._by_model[id(part)].get(model, [])
        return [row for row in rows if all(row.get(k) == v for k, v in wanted.items())]

    @cached_property
    def _by_model(self) -> dict[int, dict[str, list[dict[str, str]]]]:
        """The rows of a part (by its id) by model: nearly every question is about one."""
        grouped: dict[int, dict[str, list[dict[str, str]]]] = {}
        for part in (self.accuracy, self.ced, self.latency, self.robustness):
            models = grouped.setdefault(id(part), {})
            for row in part:
                models.setdefault(row["model"], []).append(row)
        return grouped

    def _one(self, part: list[dict[str, str]], **wanted: str) -> dict[str, str] | None:
        found = self._rows(part, **wanted)
        return found[0] if found else None


def forget_the_rest(results: Path) -> int:
    """Delete the rows that count no more from a folder of CSVs: of models that are gone or have changed, and
    what was measured anew; returns how many."""
    index = read_index(models_folder())
    return sum(keep_only(results, part, _counting(results, part, index)) for part in KEYS)


def _counting(results: Path, part: str, index: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """The newest row of each key, without those of models that are gone or have changed.

    What does not depend on the provider counts from the CPU's where that was measured.
    """
    keys = ("host", *KEYS[part]) if part in ("latency", "turns") else KEYS[part]
    rows = (r for r in read_rows(results, part) if _is_current(r, index) and not is_gone(r, index))
    ranked = sorted(rows, key=lambda row: row.get("provider") == "cpu")
    return list({tuple(row[key] for key in keys): row for row in ranked}.values())


def _is_current(row: Mapping[str, str], index: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the files of a row's model, and of its rival and detector where it has some, are today's."""
    files = [
        (row[who], row[sha256])
        for who, sha256 in (("model", "sha256"), ("rival", "rival_sha256"))
        if who in row
    ]
    if row.get("boxes", "").startswith("detector") and row.get("detector") != detector_hash():
        return False
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
