"""The results as CSV files named PART_HOST_PROVIDER_PRECISION_DATE.csv, and tables on a terminal."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from bench.rows import Row, from_text, to_text
from fkp.atomic import write_text

RESULTS = Path(__file__).parent / "results"
EXPORTED = "exported"  # the origin of a row of a model of the index

T = TypeVar("T")
R = TypeVar("R", bound=Row)


def write_rows(folder: Path, rows: Sequence[R], host: str, date: str) -> list[Path]:
    """Merge rows into a folder's files of their part and host; one file per provider and precision.

    Rows of earlier runs stay where no new one has their key and origin, unless their model file has changed.

    Args:
        folder: where the CSVs are.
        rows: rows of one type.
        host: from `host_kind`.
        date: ISO date, for the file name.
    """
    groups: dict[str, list[R]] = {}
    for row in rows:
        row = replace(row, host=host)
        groups.setdefault(f"{row.part}_{host}_{row.provider}_{row.precision}", []).append(row)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for stem, new in groups.items():
        old_files = sorted(folder.glob(f"{stem}_????-??-??.csv"))
        old = [row for file in old_files for row in read_csv(file, type(new[0]))]
        path = folder / f"{stem}_{date}.csv"
        write_text(path, to_csv(_merge(old, new)))
        for file in old_files:
            if file != path:
                file.unlink()
        paths.append(path)
    return paths


def _merge(old: Iterable[R], new: Sequence[R]) -> list[R]:
    def key(row: R) -> tuple[str, ...]:
        return (*row.identity, row.origin)

    hashes = {(row.model, row.origin): row.sha256 for row in new}
    merged = {
        key(row): row for row in old if hashes.get((row.model, row.origin), row.sha256) == row.sha256
    } | {key(row): row for row in new}
    return [merged[name] for name in sorted(merged)]


def read_rows(folder: Path, kind: type[R]) -> list[R]:
    """All rows of a part in a folder, of every host; the oldest files first."""
    return [row for file in _files(folder, kind) for row in read_csv(file, kind)]


def _files(folder: Path, kind: type[Row]) -> list[Path]:
    files = folder.glob(f"{kind.part}_*_*_*_????-??-??.csv")
    return sorted(files, key=lambda file: (file.stem[-10:], file.name))


def is_gone(row: Row, index: Collection[str]) -> bool:
    """Whether a row is of an exported model that is not among the exported ones any more.

    Others' files and baselines are in no index: their rows stay.
    """
    return row.origin == EXPORTED and row.model not in index


def keep_only(folder: Path, kind: type[R], counting: Collection[R]) -> int:
    """Delete from a part's CSVs all rows but these of `read_rows`; returns how many went."""
    gone = 0
    for file in _files(folder, kind):
        rows = read_csv(file, kind)
        kept = [row for row in rows if row in counting]
        gone += len(rows) - len(kept)
        if not kept:
            file.unlink()
        elif len(kept) < len(rows):
            write_text(file, to_csv(kept))
    return gone


def _skip(message: str) -> None:
    print(f"skipped: {message}", file=sys.stderr)


def read_csv(file: Path, kind: type[T], skip: Callable[[str], None] = _skip) -> list[T]:
    """The rows of a CSV file that `to_csv` wrote.

    Args:
        file: read line by line, as no value has a line break; so damage costs the line that has it.
        kind: the type of the rows.
        skip: is called with the place and the fault of each row that is left out.
    """
    lines = file.read_text(encoding="utf-8-sig", errors="replace").split("\n")
    heads = next(csv.reader(lines[:1]), [])
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        try:
            rows.append(from_text(kind, _by_column(heads, line)))
        except (ValueError, csv.Error) as error:
            skip(f"{file.name}, line {number}: {error}")
    return rows


def _by_column(heads: Sequence[str], line: str) -> dict[str, str]:
    if "\N{REPLACEMENT CHARACTER}" in line or "\0" in line:
        raise ValueError("it is not text in UTF-8")
    values = next(csv.reader([line], strict=True))
    if len(values) != len(heads):
        raise ValueError(f"it has {len(values)} values, and the file {len(heads)} columns")
    return dict(zip(heads, values, strict=True))


def to_csv(rows: Iterable[object]) -> str:
    """Rows (dataclasses) as CSV, without the columns that are empty in all of them."""
    cells = [to_text(row) for row in rows]
    heads = [c for c in dict.fromkeys(c for row in cells for c in row) if any(row.get(c) for row in cells)]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, heads, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return stream.getvalue()


def row_table(rows: Sequence[object], columns: Mapping[str, str]) -> str:
    """Rows as aligned text; `columns` maps names of fields to headings."""
    return table(list(columns.values()), [[getattr(row, name) for name in columns] for row in rows])


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Values as aligned text. Numbers are right-aligned."""
    cells = [list(headings), *([cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [all(_is_number(line[i]) for line in cells[1:]) for i in range(len(headings))]
    lines = [
        "  ".join(
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join(_with_rule(lines, widths))


def _with_rule(lines: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    yield lines[0]
    yield "  ".join("-" * width for width in widths)
    yield from lines[1:]


def cell(value: object, digits: int = 2) -> str:
    """A value for people: two digits behind the point, a hyphen where there is none."""
    if value is None or value == "" or value != value:
        return "-"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return str(value)


def _is_number(value: str) -> bool:
    return value == "-" or value.replace(".", "", 1).replace("-", "", 1).isdigit()
