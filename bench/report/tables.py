"""The report's tables, the same for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.baselines import BASELINES, DETECTOR_BASELINES
from bench.report.result_set import MAIN_COLUMNS, Column, ResultSet, best
from bench.results import cell
from bench.tasks.distortions import DISTORTIONS
from bench.tasks.scenes import TITLES
from fkp.datasets import TEST_SETS
from fkp.schemes import REGIONS, get_scheme

# What the reports on this contest's task say of their own models; the contest scored 1,008 images.
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
        best: for every column the cell that is to stand out, None for none.
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


def model_table(board: ResultSet, scheme: str) -> Table | None:
    """The models of a scheme with their main figures."""
    models = board.models(scheme)
    figures = {model: board.figures(model, scheme) for model in models}
    columns = [c for c in MAIN_COLUMNS if any(c.name in values for values in figures.values())]
    title = f"{get_scheme(scheme).num_points} point{'s' if scheme != 'nose1' else ''}, on {TEST_SETS[scheme]}"
    corners = get_scheme(scheme).outer_eye_corners
    normalizer = "distance of the outer eye corners" if corners else "diagonal of the face box"
    times = f" Times: {board.host}." if board.host else ""
    baselines = "".join(f" {model}: {BASELINES[model].note}." for model in models if model in BASELINES)
    short = (
        " The shipped models of the reports have the short programme." if "report" in " ".join(models) else ""
    )
    rowed = ", ".join(model for model in models if model in board.unshipped)
    gone = f" Measured, not shipped: {rowed}." if rowed else ""
    caption = f"Errors are divided by the {normalizer}.{times}{short}{gone}{baselines}"
    return _table(title, columns, [(m, figures[m]) for m in models], caption)


def region_table(board: ResultSet, scheme: str = "ibug68") -> Table | None:
    """NME per region."""
    columns = [Column(name, name.replace("_", " "), "NME of the region's points") for name in REGIONS]
    rows = [(m, board.regions(m, scheme)) for m in board.models(scheme)]
    return _table(f"NME per region, {TEST_SETS[scheme]}", columns, rows)


def robustness_table(board: ResultSet, scheme: str = "ibug68") -> Table | None:
    """Mean capped NME per kind of distortion."""
    columns = [Column(name, name, d.title) for name, d in DISTORTIONS.items()]
    rows = []
    for model in board.models(scheme):
        means = {kind: board.kind_mean(model, kind) for kind in DISTORTIONS}
        rows.append((model, {kind: value for kind, value in means.items() if value is not None}))
    return _table("Robustness: mean capped NME per kind of distortion", columns, rows)


def nose_table(board: ResultSet) -> Table | None:
    """Every model's nose tip on the IMM faces."""
    columns = [
        Column("nme", "error %", "distance over the diagonal of the face box"),
        Column("mae", "MAE px", "mean of |dx| and |dy|"),
    ]
    rows = [(r["model"], {k: float(r[k]) for k in ("nme", "mae")}) for r in board.nose_tips()]
    caption = (
        "The tip of the 68-point scheme lies higher than IMM's, which is the middle of the nose's base: "
        "part of the error of those models is that distance."
    )
    return _table("Nose tip, every model on imm-val", columns, rows, caption)


def kaggle_table(board: ResultSet, most: int | None = None) -> Table | None:
    """Our scores on the contest, the best `most` of them, beside the published ones."""
    if not board.kaggle:
        return None
    ours = sorted(board.kaggle, key=lambda row: float(row["mae"]))[:most]
    rows = [[r["model"], cell(float(r["mae"])), f"{r['covered']} of {r['images']} images here"] for r in ours]
    rows += [list(row) for row in PUBLISHED_KAGGLE]
    columns = [_NAME, Column("mae", "MAE px", "the contest's score"), Column("on", "measured on", "")]
    caption = (
        "Different images, so only an order of magnitude can be compared: ours are those whose points are "
        "public, the contest's were 1,008 with mirrors."
    )
    return Table("Kaggle CS194-26", columns, rows, [None, cell(float(ours[0]["mae"])), None], caption)


def detector_summary(board: ResultSet) -> Table | None:
    """The face detectors with their main figures."""
    columns = [
        Column("recall35 contest", "contest %", "the contest's listed faces that are found", False, 1),
        Column("recall35 common", "common %", "faces of 300-W common that are found", False, 1),
        Column("recall35 turned-30", "30 degrees %", "the same, turned", False, 1),
        Column("recall35 small-32", "32 px %", "the same, of 32 pixels", False, 1),
        Column("recall35 dark", "dark %", "the same, with an eighth of the light", False, 1),
        Column("false_boxes imm-val", "false boxes", "per picture, IMM's persons 33 to 40", digits=3),
        Column("ms imm", "ms", "per picture of 640x480 pixels, one core"),
    ]
    caption = "Found: an IoU of 0.35 with the true box at least. Times: 640x480 pixels, one core."
    rows = []
    for name in _detectors(board):
        figures = {f"{k} {r['dataset']}": v for r in board.detect if r["model"] == name for k, v in r.items()}
        rows.append((name, {c.name: float(figures[c.name]) for c in columns if figures.get(c.name)}))
    return _table("Face detectors", columns, rows, caption, "detector")


def _detectors(board: ResultSet) -> list[str]:
    return sorted({row["model"] for row in board.detect})


def detector_tables(board: ResultSet) -> Iterator[Table]:
    """The face detectors: recall, false boxes and times, each on all sets of pictures that have it."""
    names = _detectors(board)
    notes = " ".join(
        f"{name}: {DETECTOR_BASELINES[name].note}." for name in names if name in DETECTOR_BASELINES
    )
    cpus = ", ".join(sorted({row["cpu"] for row in board.detect if row.get("cpu")}))
    for figure, title, low_is_good, caption in (
        ("recall35", "Face detectors: recall at IoU 0.35, %", False, notes),
        ("recall50", "Face detectors: recall at IoU 0.5, %", False, ""),
        ("false_boxes", "Face detectors: false boxes per picture", True, ""),
        ("ms", "Face detectors: milliseconds per picture", True, f"Median, one core of {cpus}."),
    ):
        digits = 3 if figure == "false_boxes" else 1
        there = {row["dataset"] for row in board.detect if row.get(figure)}
        columns = [Column(n, n, words, low_is_good, digits) for n, words in TITLES.items() if n in there]
        rows = [
            (n, {r["dataset"]: float(r[figure]) for r in board.detect if r["model"] == n and r.get(figure)})
            for n in names
        ]
        if table := _table(title, columns, rows, caption, "detector"):
            yield table


def boxes_table(board: ResultSet) -> Table | None:
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
    for row in board.boxes:
        figures = rows.setdefault(f"{row['model']}, {row['boxes']}", {"missed": float(row["missed"])})
        figures |= {name + row["passes"]: float(row[name]) for name in kinds if row[name]}
    caption = "NME of the faces found; a face that is missed counts as a failure in FR@8 and AUC@8."
    ranked = sorted(rows.items(), key=lambda item: item[1]["auc81"], reverse=True)
    return _table(
        f"Landmarks in each detector's boxes, {TEST_SETS['ibug68']}", columns, ranked, caption, "boxes of"
    )


def turns_table(board: ResultSet) -> Table | None:
    """Models whose times were taken in turns, beside the one that the others were compared with."""
    names = ("beside", "provider", "threads", "median ms", "ratio", "95 %", "CPU")
    columns = [_NAME, *(Column(name, name, "") for name in names)]
    ordered = sorted(
        board.turns, key=lambda r: (r["cpu"], r["rival"], r["provider"], int(r["threads"]), float(r["ratio"]))
    )
    rows = [
        [
            *(row["model"], row["rival"], row["provider"], row["threads"]),
            *(_short(row["median_ms"]), _short(row["ratio"])),
            *(f"{_short(row['ratio_from'])} to {_short(row['ratio_to'])}", row["cpu"]),
        ]
        for row in ordered
    ]
    caption = (
        "From a picture and a face's box to its points, a few faces in each model's turn, 200 rounds. "
        "Ratio: median of the time over that of the model beside it."
    )
    return Table("Times in turns", columns, rows, [None] * len(columns), caption) if rows else None


def latency_table(board: ResultSet) -> Table | None:
    """All latencies of all hosts."""
    if not board.latency:
        return None
    columns = [_NAME, *(Column(name, name.replace("_", " "), "") for name in _LATENCY)]
    ordered = sorted(board.latency, key=lambda r: (r["model"], r["kind"], int(r["threads"]), int(r["batch"])))
    rows = [[row["model"], *(_short(row.get(name, "")) for name in _LATENCY)] for row in ordered]
    return Table("Latency", columns, rows, [None] * len(columns))


def _short(text: str) -> str:
    try:
        return cell(float(text)) if "." in text else text
    except ValueError:
        return text


def all_tables(board: ResultSet) -> Iterator[Table]:
    """Everything in the order of the leaderboard."""
    tables = [model_table(board, scheme) for scheme in TEST_SETS]
    tables += [nose_table(board), region_table(board), robustness_table(board), kaggle_table(board)]
    tables += [detector_summary(board), *detector_tables(board), boxes_table(board), turns_table(board)]
    tables += [latency_table(board)]
    yield from (table for table in tables if table)


def _table(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[str, dict[str, float]]],
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
