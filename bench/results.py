"""Result rows as CSV files, named PART_HOST_PROVIDER_PRECISION_DATE.csv, and as tables on a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"

Row = Mapping[str, object]

EXPORTED = "exported"  # the origin of a row of a model of the index

# The columns that name a row; the others are what was measured.
KEYS: Mapping[str, tuple[str, ...]] = {
    "accuracy": ("model", "dataset", "scheme", "boxes"),
    "ced": ("model", "dataset", "scheme", "boxes"),
    "latency": ("model", "kind", "provider", "threads", "batch"),
    "turns": ("model", "rival", "provider", "threads"),
    "robustness": ("model", "dataset", "scheme", "kind", "severity"),
    "kaggle": ("model",),
    "detect": ("model", "dataset"),
    "boxes": ("model", "boxes", "passes"),
    "confidence": ("model", "dataset", "group"),
    "large-pose": ("model", "dataset", "pose"),
}


def precision_of(model: str) -> str:
    """The number format of a model's weights, which its name ends with where it is not float32."""
    suffix = model.rpartition("-")[2]
    return suffix if suffix in ("int8", "fp16", "bf16") else "fp32"


def write_rows(folder: Path, part: str, host: str, date: str, rows: Sequence[Row]) -> list[Path]:
    """Merge rows into a folder's files of this part and host; one file per provider and precision.

    Rows of earlier runs stay where nothing new has their key and origin, unless their model file has changed.

    Args:
        folder: where the CSVs are.
        part: a name of `KEYS`; every row has its columns, and `sha256` and `provider`.
        host: from `host_kind`.
        date: ISO date, for the file name.
        rows: one part's rows, all with the same columns.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(f"{row['provider']}_{precision_of(str(row['model']))}", []).append(row)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for group, new in groups.items():
        stem = f"{part}_{host}_{group}"
        old_files = sorted(folder.glob(f"{stem}_????-??-??.csv"))
        old = [row for file in old_files for row in read_csv(file)]
        path = folder / f"{stem}_{date}.csv"
        path.write_text(to_csv(_merge(part, old, new)), encoding="utf-8")
        for file in old_files:
            if file != path:
                file.unlink()
        paths.append(path)
    return paths


def _merge(part: str, old: Iterable[Row], new: Sequence[Row]) -> list[Row]:
    def key(row: Row) -> tuple[str, ...]:
        return tuple(str(_text(row.get(name))) for name in (*KEYS[part], "origin"))  # as it is read back

    def file(row: Row) -> tuple[str, ...]:
        return key(row)[0], key(row)[-1]

    hashes = {file(row): row["sha256"] for row in new}
    merged = {key(row): row for row in old if hashes.get(file(row), row["sha256"]) == row["sha256"]}
    merged |= {key(row): row for row in new}
    return [merged[name] for name in sorted(merged)]


def read_rows(folder: Path, part: str) -> list[dict[str, str]]:
    """All rows of a part in a folder, of every host, each with its file's `host`; the oldest files first."""
    return [{**row, "host": _host(file)} for file in _files(folder, part) for row in read_csv(file)]


def _files(folder: Path, part: str) -> list[Path]:
    files = folder.glob(f"{part}_*_*_*_????-??-??.csv")
    return sorted(files, key=lambda file: (file.stem[-10:], file.name))


def _host(file: Path) -> str:
    return file.stem.split("_")[1]


def is_gone(row: Mapping[str, str], index: Collection[str]) -> bool:
    """Whether a row is of an exported model that is not among the exported ones any more.

    Others' files and baselines are in no index: their rows stay, and so do those that do not say what
    they are.
    """
    return row.get("origin") == EXPORTED and row["model"] not in index


def keep_only(folder: Path, part: str, counting: Iterable[Mapping[str, str]]) -> int:
    """Delete from a part's CSVs all rows but these of `read_rows`; returns how many went."""
    wanted = {frozenset(row.items()) for row in counting}
    gone = 0
    for file in _files(folder, part):
        rows = read_csv(file)
        kept = [row for row in rows if frozenset({**row, "host": _host(file)}.items()) in wanted]
        gone += len(rows) - len(kept)
        if not kept:
            file.unlink()
        elif len(kept) < len(rows):
            file.write_text(to_csv(kept), encoding="utf-8")
    return gone


def read_csv(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, all values as text.

    Raises:
        ValueError: it is no text in UTF-8.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} cannot be read: {error}") from error


def to_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV, with every column that one of them has; numbers to a precision that repeats."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _text(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def table(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    """Rows as aligned text; `columns` maps a row's names to headings. Numbers stand to the right."""
    cells = [list(columns.values())] + [[cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [all(_is_number(line[i]) for line in cells[1:]) for i in range(len(columns))]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def cell(value: object, digits: int = 2) -> str:
    """A value for people: two digits behind the point, a hyphen where there is none."""
    if value is None or value == "" or value != value:
        return "-"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return str(value)


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).isdigit()
