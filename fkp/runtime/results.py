"""Faces as files: JSON, JSON Lines and CSV of one schema (docs/results.md), and iBUG's `.pts`."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from fkp.atomic import draft_of
from fkp.runtime.face import Face
from fkp.schemes import get_scheme

SCHEMA_VERSION = 2

CSV_COLUMNS = (
    *("image", "frame", "time", "face", "track", "scheme"),
    *("box_x0", "box_y0", "box_x1", "box_y1", "box_score", "reliable", "yaw", "pitch", "roll"),
    *("point", "region", "x", "y", "score", "visible", "schema_version"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """The picture or frame in which faces were searched.

    Attributes:
        image: name of the picture, or of the video.
        size: (H, W) of the picture or frame in pixels.
        frame: number of the frame in its video, from 0; None of a picture.
        time: of the frame, in seconds after the first; None of a picture.
    """

    image: str
    size: tuple[int, int]
    frame: int | None = None
    time: float | None = None


def plain_text(text: str | Path) -> str:
    """A file name, or a text that holds one, that every file and terminal takes.

    Bytes that are not UTF-8 become escapes: `ren\\xe9e.jpg`.
    """
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def record(source: Source, model: str, faces: Sequence[Face]) -> dict[str, Any]:
    """One picture or frame and its faces, ready for JSON.

    Args:
        source: where the faces are.
        model: name of the model that found the points.
        faces: in the order that they are numbered.
    """
    height, width = source.size
    return {
        "schema_version": SCHEMA_VERSION,
        "image": plain_text(source.image),
        "frame": source.frame,
        "time": _rounded(source.time),
        "width": width,
        "height": height,
        "model": model,
        "faces": [{"face": number, **face.to_dict()} for number, face in enumerate(faces)],
    }


def csv_rows(source: Source, faces: Sequence[Face]) -> Iterator[tuple[str | int | float | None, ...]]:
    """One row of `CSV_COLUMNS` for every point; x and y in the image frame."""
    place = (plain_text(source.image), source.frame, _rounded(source.time))
    for number, face in enumerate(faces):
        fields = face.to_dict()
        pose = fields["pose"] or dict.fromkeys(("yaw", "pitch", "roll"))
        of_face = (
            *(
                number,
                fields["track"],
                fields["scheme"],
                *fields["box"],
                fields["box_score"],
                fields["reliable"],
            ),
            *(pose["yaw"], pose["pitch"], pose["roll"]),
        )
        visible = fields["visible"] or [None] * len(face.points)
        region_of = get_scheme(face.scheme).region_of
        for index, ((x, y), score, seen) in enumerate(
            zip(fields["points"], fields["scores"], visible, strict=True)
        ):
            yield (*place, *of_face, index, region_of[index], x, y, score, seen, SCHEMA_VERSION)


def to_csv(source: Source, faces: Sequence[Face]) -> str:
    """The points of one picture as the text of a CSV file."""
    return _csv_text([CSV_COLUMNS, *csv_rows(source, faces)])


def to_pts(face: Face) -> str:
    """The points of one face as the text of a `.pts` file, whose coordinates begin at 1."""
    points = "\n".join(f"{x + 1:.3f} {y + 1:.3f}" for x, y in face.points.tolist())
    return f"version: 1\nn_points: {len(face.points)}\n{{\n{points}\n}}\n"


class ResultWriter:
    """Writes `faces.jsonl` and `faces.csv` while pictures come in, and `faces.json` at the end.

    A context manager. Every picture that was added is complete in the first two files at any time: a kill or
    a full disk loses the current picture at most. `faces.json`, a list of all records, is written when the
    context ends, also after an error. Files of an earlier run are replaced.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self._folder = folder
        self._model = model

    def __enter__(self) -> ResultWriter:
        (self._folder / "faces.json").unlink(missing_ok=True)  # of an earlier run
        self._lines = _Appended(self._folder / "faces.jsonl")
        self._rows = _Appended(self._folder / "faces.csv")
        self._rows.add(_csv_text([CSV_COLUMNS]))
        return self

    def add(self, source: Source, faces: Sequence[Face]) -> None:
        """Write the faces of one picture, or of one frame of a video.

        Raises:
            OSError: they could not be written, and no part of them is.
        """
        line = json.dumps(record(source, self._model, faces))
        before = self._lines.add(line + "\n")
        try:
            self._rows.add(_csv_text(csv_rows(source, faces)))
        except BaseException:
            self._lines.cut(before)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        self._rows.close()
        with (
            draft_of(self._folder / "faces.json") as draft,
            draft.open("w", encoding="utf-8") as whole,
            (self._folder / "faces.jsonl").open(encoding="utf-8") as lines,
        ):
            whole.write("[")
            for number, line in enumerate(lines):
                whole.write(f"{',' if number else ''}\n{line.rstrip()}")
            whole.write("\n]\n")


class _Appended:
    """A text file in UTF-8 to which whole pieces are added; nothing waits in a buffer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)

    def add(self, text: str) -> int:
        """Add a piece, all or nothing; returns the length of the file before."""
        before = self._file.tell()
        left = memoryview(text.encode())
        try:
            while left:
                left = left[self._file.write(left) :]
        except BaseException:
            self.cut(before)
            raise
        return before

    def cut(self, length: int) -> None:
        self._file.truncate(length)
        self._file.seek(length)

    def close(self) -> None:
        self._file.close()


def _rounded(time: float | None) -> float | None:
    return None if time is None else round(time, 4)


def _csv_text(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
