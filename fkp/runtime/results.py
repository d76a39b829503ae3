"""Faces as files: JSON, CSV and iBUG's `.pts`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from fkp.runtime.face import Face
from fkp.schemes import get_scheme

CSV_COLUMNS = ("image", "face", "index", "region", "x", "y", "score", "visible")


def record(image: str, size: tuple[int, int], model: str, faces: Sequence[Face]) -> dict[str, Any]:
    """One picture and its faces, ready for JSON.

    Args:
        image: what the picture is called.
        size: its (H, W) in pixels.
        model: name of the model that found the points.
    """
    height, width = size
    return {
        "image": image,
        "width": width,
        "height": height,
        "model": model,
        "faces": [face.to_dict() for face in faces],
    }


def csv_rows(image: str, faces: Sequence[Face]) -> Iterator[tuple[str | int | float, ...]]:
    """One row of `CSV_COLUMNS` for every point; x and y in the image frame, visible empty where unknown."""
    for number, face in enumerate(faces):
        region_of = get_scheme(face.scheme).region_of
        visible = face.to_dict()["visible"] or [""] * len(face.points)
        rows = zip(face.points.tolist(), face.scores.tolist(), visible, strict=True)
        for index, ((x, y), score, seen) in enumerate(rows):
            yield image, number, index, region_of[index], round(x, 2), round(y, 2), round(score, 4), seen


def to_csv(image: str, faces: Sequence[Face]) -> str:
    """The points of one picture as the text of a CSV file."""
    text = io.StringIO()
    _write_csv(text, [CSV_COLUMNS, *csv_rows(image, faces)])
    return text.getvalue()


def to_pts(face: Face) -> str:
    """The points of one face as the text of a `.pts` file, whose coordinates begin at 1."""
    points = "\n".join(f"{x + 1:.3f} {y + 1:.3f}" for x, y in face.points.tolist())
    return f"version: 1\nn_points: {len(face.points)}\n{{\n{points}\n}}\n"


class ResultWriter:
    """Writes `faces.json` (a list of records) and `faces.csv` while pictures come in.

    A context manager; what was added before an error stays readable.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self._folder = folder
        self._model = model
        self._records = 0

    def __enter__(self) -> ResultWriter:
        self._json = (self._folder / "faces.json").open("w", encoding="utf-8")
        self._csv = (self._folder / "faces.csv").open("w", encoding="utf-8", newline="")
        self._json.write("[")
        _write_csv(self._csv, [CSV_COLUMNS])
        return self

    def add(self, image: str, size: tuple[int, int], faces: Sequence[Face]) -> None:
        """One picture, or one frame of a video; `size` is (H, W)."""
        text = json.dumps(record(image, size, self._model, faces))
        self._json.write(f"{',' if self._records else ''}\n{text}")
        _write_csv(self._csv, csv_rows(image, faces))
        self._records += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._json.write("\n]\n")
        self._json.close()
        self._csv.close()


def _write_csv(file: io.TextIOBase | Any, rows: Iterable[Sequence[object]]) -> None:
    csv.writer(file, lineterminator="\n").writerows(rows)
