"""The report's tables, the same for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.distortions import DISTORTIONS
from bench.peers import PEERS
from bench.report.board import HOME, MAIN_COLUMNS, Board, Column, best
from bench.results import cell
from fkp.schemes import REGIONS, get_scheme

# What the reports on this contest's task say of their own models; the contest scored 1,008 images.
PUBLISHED_KAGGLE = (
    ("report: Wide ResNet-50, ImageNet weights", "7.24", "the contest's hidden half"),
    ("report: Wide ResNet-50, adjusted validation MAE", "8.08", "its own validation part"),
    ("report: pixel-wise U-Net, adjusted validation MAE", "7.83", "its own validation part"),
    ("report: another one", "43.05", "the contest's hidden half"),
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
    *("load_ms", "memory_mb", "versions", "date"),
)


def model_table(board: Board, scheme: str) -> Table | None:
    """The models of a scheme with their main figures."""
    models = board.models(scheme)
    figures = {model: board.figures(model, scheme) for model in models}
    columns = [c for c in MAIN_COLUMNS if any(c.name in values for values in figures.values())]
    title = f"{get_scheme(scheme).num_points} point{'s' if scheme != 'nose1' else ''}, on {HOME[scheme]}"
    corners = get_scheme(scheme).outer_eye_corners
    normaliser = "distance of the outer eye corners" if corners else "diagonal of the face box"
    times = f" Times: {board.host}." if board.host else ""
    peers = "".join(f" {model}: {PEERS[model].note}." for model in models if model in PEERS)
    caption = f"Errors are divided by the {normaliser}.{times}{peers}"
    return _table(title, columns, [(m, figures[m]) for m in models], caption)


def region_table(board: Board, scheme: str = "ibug68") -> Table | None:
    """NME per region."""
    columns = [Column(name, name.replace("_", " "), "NME of the region's points") for name in REGIONS]
    rows = [(m, board.regions(m, scheme)) for m in board.models(scheme)]
    return _table(f"NME per region, {HOME[scheme]}", columns, rows)


def robustness_table(board: Board, scheme: str = "ibug68") -> Table | None:
    """Mean capped NME per kind of distortion."""
    columns = [Column(name, name, d.title) for name, d in DISTORTIONS.items()]
    rows = []
    for model in board.models(scheme):
        means = {kind: board.kind_mean(model, kind) for kind in DISTORTIONS}
        rows.append((model, {kind: value for kind, value in means.items() if value is not None}))
    return _table("Robustness: mean capped NME per kind of distortion", columns, rows)


def nose_table(board: Board) -> Table | None:
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


def kaggle_table(board: Board) -> Table | None:
    """Our scores on the contest beside the published ones."""
    if not board.kaggle:
        return None
    ours = sorted(board.kaggle, key=lambda row: float(row["mae"]))
    rows = [[r["model"], cell(float(r["mae"])), f"{r['covered']} of {r['images']} images here"] for r in ours]
    rows += [list(row) for row in PUBLISHED_KAGGLE]
    columns = [_NAME, Column("mae", "MAE px", "the contest's score"), Column("on", "measured on", "")]
    caption = (
        "Different images, so only an order of magnitude can be compared: ours are the images whose points "
        "are public, the contest's were 1,008 with mirrors."
    )
    return Table("Kaggle CS194-26", columns, rows, [None, cell(float(ours[0]["mae"])), None], caption)


def latency_table(board: Board) -> Table | None:
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


def all_tables(board: Board) -> Iterator[Table]:
    """Everything in the order of the leaderboard."""
    tables = [model_table(board, scheme) for scheme in HOME]
    tables += [nose_table(board), region_table(board), robustness_table(board), kaggle_table(board)]
    tables += [latency_table(board)]
    yield from (table for table in tables if table)


def _table(
    title: str, columns: Sequence[Column], rows: Sequence[tuple[str, dict[str, float]]], caption: str = ""
) -> Table | None:
    rows = [(name, values) for name, values in rows if values]
    if not rows:
        return None
    cells = [[name, *(cell(values.get(c.name), c.digits) for c in columns)] for name, values in rows]
    bests: list[str | None] = [None]
    for column in columns:
        value = best([values.get(column.name) for _, values in rows], column.low_is_good)
        bests.append(None if value is None else cell(value, column.digits))
    return Table(title, [_NAME, *columns], cells, bests, caption)
