"""The report's tables, the same for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.baselines import BASELINES, DETECTOR_BASELINES
from bench.report.result_set import MAIN_COLUMNS, Column, ResultSet, best
from bench.results import cell
from bench.rows import text
from bench.tasks.distortions import DISTORTIONS
from bench.tasks.scenes import TITLES
from fkp.datasets import TEST_SETS
from fkp.schemes import REGIONS, get_scheme

# What the reports on this contest's task state for their own models; the contest scored 1,008 images.
_CONTEST, _HELD_OUT = "the contest's images, by the contest", "its own validation part, by the report"
PUBLISHED_KAGGLE = (
    ("report 002: Wide ResNet-50, ImageNet weights", "7.24259", _CONTEST),
    ("report 002: the same, adjusted validation MAE", "8.079", _HELD_OUT),
    ("report 002: Pixel U-Net, adjusted validation MAE", "7.835", _HELD_OUT),
    ("report 003: ResNet-18", "43.04827", _CONTEST),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Attributes:
        title: what it shows.
        columns: headings with hints; the first one is of names.
        rows: cells, already text.
        best: for every column the cell to highlight, None for none.
        caption: what a reader must know, below it.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    best: Sequence[str | None]
    caption: str = ""


_NAME = Column("model", "model", "")
_LATENCY = (
    *("host", "kind", "provider", "threads", "batch", "median_ms", "p90_ms", "p99_ms", "faces_per_s"),
    *("gmacs_per_s", "peak_share", "load_ms", "memory_mb", "load", "versions", "date"),
)


def model_table(results: ResultSet, scheme: str, series: bool) -> Table | None:
    """The models of a scheme with their main figures: those of a series, or the others."""
    models = results.models(scheme, series)
    figures = {model: results.figures(model, scheme) for model in models}
    columns = [c for c in MAIN_COLUMNS if any(c.name in values for values in figures.values())]
    title = f"{get_scheme(scheme).num_points} point{'s' if scheme != 'nose1' else ''}, on {TEST_SETS[scheme]}"
    if series:
        title = f"Course reports: {title}"
    corners = get_scheme(scheme).outer_eye_corners
    normalizer = "distance of the outer eye corners" if corners else "diagonal of the face box"
    times = f" Times: {results.host}." if results.host else ""
    baselines = "".join(f" {model}: {BASELINES[model].note}." for model in models if model in BASELINES)
    short = " The exported ones are measured by the reduced protocol." if series else ""
    rowed = ", ".join(model for model in models if model in results.unshipped)
    gone = f" Measured, not shipped: {rowed}." if rowed else ""
    caption = f"Errors are divided by the {normalizer}.{times}{short}{gone}{baselines}"
    return _table(title, columns, [(m, figures[m]) for m in models], caption)


def region_table(results: ResultSet, scheme: str = "ibug68") -> Table | None:
    """NME per region."""
    columns = [Column(name, name.replace("_", " "), "NME of the region's points") for name in REGIONS]
    rows = [(m, results.regions(m, scheme)) for m in results.models(scheme)]
    return _table(f"NME per region, {TEST_SETS[scheme]}", columns, rows)


def robustness_table(results: ResultSet, scheme: str = "ibug68") -> Table | None:
    """Mean capped NME per kind of distortion."""
    columns = [Column(name, name, d.title) for name, d in DISTORTIONS.items()]
    rows = []
    for model in results.models(scheme):
        means = {kind: results.kind_mean(model, kind) for kind in DISTORTIONS}
        rows.append((model, {kind: value for kind, value in means.items() if value is not None}))
    return _table("Robustness: mean capped NME per kind of distortion", columns, rows)


def nose_table(results: ResultSet) -> Table | None:
    """Every model's nose tip on the IMM faces."""
    columns = [
        Column("nme", "error %", "distance over the diagonal of the face box"),
        Column("mae", "MAE px", "mean of |dx| and |dy|"),
    ]
    rows = [(r.model, {"nme": r.nme, "mae": r.mae}) for r in results.nose_tips()]
    caption = (
        "The tip of the 68-point scheme is above IMM's, which is the middle of the nose's base: "
        "this distance is part of the error of those models."
    )
    return _table("Nose tip, every model on imm-val", columns, rows, caption)


def kaggle_table(results: ResultSet) -> Table | None:
    """Our scores on the contest beside the published ones."""
    if not results.kaggle:
        return None
    ours = sorted(results.kaggle, key=lambda row: row.mae)
    rows = [[r.model, cell(r.mae), f"{r.covered} of {r.images} images here"] for r in ours]
    rows += [list(row) for row in PUBLISHED_KAGGLE]
    columns = [_NAME, Column("mae", "MAE px", "the contest's score"), Column("on", "measured on", "")]
    caption = (
        "Different images, so only an order of magnitude can be compared: ours are those whose points are "
        "public, the contest's were 1,008 with mirrors."
    )
    return Table("Kaggle CS194-26", columns, rows, [None, cell(ours[0].mae), None], caption)


def detector_summary(results: ResultSet) -> Table | None:
    """The face detectors with their main figures."""
    columns = [
        Column("recall35 contest", "contest %", "the contest's listed faces that are found", False, 1),
        Column("recall35 common", "common %", "faces of 300-W common that are found", False, 1),
        Column("recall35 turned-30", "30 degrees %", "the same, rotated", False, 1),
        Column("recall35 small-32", "32 px %", "the same, of 32 pixels", False, 1),
        Column("recall35 dark", "dark %", "the same, with an eighth of the light", False, 1),
        Column("false_boxes imm-val", "false boxes", "per picture, IMM's persons 33 to 40", digits=3),
        Column("ms imm", "ms", "per picture of 640x480 pixels, one core"),
    ]
    caption = (
        "A face counts as found if a detected box overlaps the true one with an IoU of 0.35 or more. Times: "
        "640x480 pixels, one core."
    )
    rows = []
    for name in _detectors(results):
        by_set = {row.dataset: row for row in results.detect if row.model == name}
        figures = {}
        for column in columns:
            figure, dataset = column.name.split(" ")
            value = getattr(by_set[dataset], figure) if dataset in by_set else None
            if value is not None:
                figures[column.name] = value
        rows.append((name, figures))
    return _table("Face detectors", columns, rows, caption, "detector")


def _detectors(results: ResultSet) -> list[str]:
    return sorted({row.model for row in results.detect})


def detector_tables(results: ResultSet) -> Iterator[Table]:
    """The face detectors: recall, false boxes and times, each on all sets of pictures that have it."""
    names = _detectors(results)
    notes = " ".join(
        f"{name}: {DETECTOR_BASELINES[name].note}." for name in names if name in DETECTOR_BASELINES
    )
    cpus = ", ".join(sorted({row.cpu for row in results.detect if row.cpu}))
    for figure, title, low_is_good, caption in (
        ("recall35", "Face detectors: recall at IoU 0.35, %", False, notes),
        ("recall50", "Face detectors: recall at IoU 0.5, %", False, ""),
        ("false_boxes", "Face detectors: false boxes per picture", True, ""),
        ("ms", "Face detectors: milliseconds per picture", True, f"Median, one core of {cpus}."),
    ):
        digits = 3 if figure == "false_boxes" else 1
        values = {(r.model, r.dataset): v for r in results.detect if (v := getattr(r, figure)) is not None}
        measured = {dataset for _, dataset in values}
        columns = [Column(n, n, words, low_is_good, digits) for n, words in TITLES.items() if n in measured]
        rows = [(n, {dataset: v for (name, dataset), v in values.items() if name == n}) for n in names]
        if table := _table(title, columns, rows, caption, "detector"):
            yield table


def boxes_table(results: ResultSet) -> Table | None:
    """The errors of a landmark model in the boxes of each detector, in one pass and in two."""
    kinds = {"nme": ("NME %", True), "fr8": ("FR@8 %", True), "auc8": ("AUC@8 %", False)}
    columns = [
        Column("missed", "missed %", "faces that the detector does not find"),
        *(
            Column(f"{name}{passes}", f"{title}, {words}", "missed faces are failures", low_is_good)
            for passes, words in (("1", "1 pass"), ("2", "2 passes"))
            for name, (title, low_is_good) in kinds.items()
        ),
    ]
    rows: dict[str, dict[str, float]] = {}
    for row in results.boxes:
        figures = rows.setdefault(f"{row.model}, {row.boxes}", {"missed": row.missed})
        figures |= {f"{name}{row.passes}": getattr(row, name) for name in kinds}
    caption = "NME of the faces found; a face that is missed counts as a failure in FR@8 and AUC@8."
    ranked = sorted(rows.items(), key=lambda item: item[1]["auc81"], reverse=True)
    return _table(
        f"Landmarks in each detector's boxes, {TEST_SETS['ibug68']}", columns, ranked, caption, "boxes of"
    )


def turns_table(results: ResultSet) -> Table | None:
    """Models with interleaved times, beside the one that they are compared with."""
    names = ("beside", "provider", "threads", "median ms", "ratio", "95 %", "CPU")
    columns = [_NAME, *(Column(name, name, "") for name in names)]
    ordered = sorted(results.turns, key=lambda r: (r.cpu, r.rival, r.provider, r.threads, r.ratio))
    rows = [
        [
            *(row.model, row.rival, row.provider, str(row.threads), _short(row.median_ms), _short(row.ratio)),
            *(f"{_short(row.ratio_from)} to {_short(row.ratio_to)}", row.cpu),
        ]
        for row in ordered
    ]
    caption = (
        "From a picture and a face's box to its points; the models alternate every few faces, 200 rounds. "
        "Ratio: median of the time over that of the model beside it."
    )
    return Table("Interleaved times", columns, rows, [None] * len(columns), caption) if rows else None


def latency_table(results: ResultSet) -> Table | None:
    """All latencies of all hosts."""
    if not results.latency:
        return None
    columns = [_NAME, *(Column(name, name.replace("_", " "), "") for name in _LATENCY)]
    ordered = sorted(results.latency, key=lambda row: (row.model, row.kind, row.threads, row.batch))
    rows = [[row.model, *(_short(getattr(row, name)) for name in _LATENCY)] for row in ordered]
    return Table("Latency", columns, rows, [None] * len(columns))


def _short(value: object) -> str:
    """A value with two digits behind the point, a whole one without."""
    return cell(value) if isinstance(value, float) and "." in text(value) else text(value)


def all_tables(results: ResultSet) -> Iterator[Table]:
    """Everything in the order of the leaderboard."""
    tables = [model_table(results, scheme, False) for scheme in TEST_SETS]
    tables += [detector_summary(results), region_table(results), robustness_table(results)]
    tables += [kaggle_table(results), *detector_tables(results), boxes_table(results), turns_table(results)]
    tables += [model_table(results, scheme, True) for scheme in TEST_SETS]
    tables += [nose_table(results), latency_table(results)]
    yield from (table for table in tables if table)


def _table(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[str, Mapping[str, float]]],
    caption: str = "",
    what: str = "model",
) -> Table | None:
    rows = [(name, values) for name, values in rows if values]
    if not rows:
        return None
    cells = [[name, *(cell(values.get(c.name), c.digits) for c in columns)] for name, values in rows]
    bests: list[str | None] = [None]
    for column in columns:
        value = best([values.get(column.name) for _, values in rows], column.low_is_good)
        bests.append(None if value is None else cell(value, column.digits))
    return Table(title, [Column(what, what, ""), *columns], cells, bests, caption)
