"""Faces that a teacher has labeled: a detector's boxes and a landmark model's points, kept in a file.

Pictures without annotations become training data this way, and so do the other people in annotated
pictures. `python -m fkp data label` writes the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.annotation_checks import check_points, check_shape, photo, picture_inside, picture_size
from fkp.datasets.parsing import json_field, json_numbers, json_object, read_content, split_lines
from fkp.datasets.sample import OnError, Sample, fail, located
from fkp.errors import DataError
from fkp.geometry import points_box
from fkp.schemes import SCHEMES, Scheme

_LINE_BEGINS = b'{"picture": "'


@dataclass(frozen=True, slots=True, eq=False)
class PseudoLabel:
    """The teachers' predictions for one face.

    Attributes:
        score: of the face detector, in [0, 1].
        confidence: mean of the landmark model's scores, in [0, 1].
        points: (K, 2) float64, image frame.
        scheme: name of the points' scheme.
    """

    score: float
    confidence: float
    points: NDArray
    scheme: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "score": round(self.score, 4),
            "confidence": round(self.confidence, 4),
            "scheme": self.scheme,
            "points": np.round(self.points.astype(np.float64), 2).tolist(),
        }


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """Which labeled faces to learn from: the least `score` and `confidence`, and the least longer side of
    a face's box in pixels."""

    score: float
    confidence: float
    smallest: float


def labels_file() -> Path:
    """Where the labels are: $FKP_LABELS, else `runs/labels.jsonl`."""
    return Path(os.environ.get("FKP_LABELS") or Path("runs", "labels.jsonl")).resolve()


def read_labels(path: Path, on_error: OnError = fail) -> dict[str, list[PseudoLabel]]:
    """The labeled faces of each picture, by the picture's path in the data root.

    Args:
        path: the file of labels.
        on_error: called for every broken line.

    Raises:
        FileNotFoundError: there is no such file.
        DataError: the file cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: make it with `python -m fkp data label`")
    return _parse(path, read_content(path), on_error)


def resume_labels(path: Path) -> Collection[str]:
    """The pictures that a file of labels holds, none where it is not there, ready for more: what an
    interruption left of a last line is dropped.

    Raises:
        DataError: another line cannot be read, or this is no file of labels; nothing of it is changed.
    """
    if not path.exists():
        return ()
    content = read_content(path)
    end = content.rfind(b"\n") + 1
    done, rest = _parse(path, content[:end], fail), content[end:]
    if not (rest.startswith(_LINE_BEGINS) or _LINE_BEGINS.startswith(rest)):
        raise DataError(path, None, "is no file of labels, and is left as it is")
    with path.open("r+b") as file:
        file.truncate(end)
    return done.keys()


def _parse(path: Path, content: bytes, on_error: OnError) -> dict[str, list[PseudoLabel]]:
    labels: dict[str, list[PseudoLabel]] = {}
    for number, line in enumerate(split_lines(content), start=1):
        try:
            with located(path, number):
                row = json_object(line)
                picture, faces = json_field(row, "picture", str), json_field(row, "faces", list)
                labels[picture] = [_label(face) for face in faces]
        except DataError as error:
            on_error(error)
    return labels


def _label(face: object) -> PseudoLabel:
    if not isinstance(face, dict):
        raise ValueError("a face must be a JSON object")
    score, confidence = (json_field(face, name, float) for name in ("score", "confidence"))
    if not (0 <= score <= 1 and 0 <= confidence <= 1):
        raise ValueError(f"score and confidence must be within 0 and 1, not {score:g} and {confidence:g}")
    name = json_field(face, "scheme", str)
    if name not in SCHEMES:
        raise ValueError(f"unknown landmark scheme {name!r}")
    points = check_shape(json_numbers(json_field(face, "points", list), "points"), SCHEMES[name].num_points)
    if not np.isfinite(points).all():
        raise ValueError("a coordinate is not a finite number")
    return PseudoLabel(score, confidence, points, name)


def append_label(path: Path, picture: str, faces: list[PseudoLabel]) -> None:
    """Add one picture's line to a file of labels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({"picture": picture, "faces": [face.to_dict() for face in faces]}) + "\n")


def read_pseudo_labeled(
    root: Path, folder: str, scheme: Scheme, keep: LabelFilter, on_error: OnError = fail, every: int = 1
) -> Iterator[Sample]:
    """The faces in a folder's pictures that the teachers are sure of, as samples.

    Args:
        root: the data root.
        folder: of the pictures, in the data root.
        scheme: of the points; a face in another one is a broken entry.
        keep: what faces must be.
        on_error: called for every broken entry.
        every: only every n-th picture is read.
    """
    labels = read_labels(labels_file(), on_error)
    names = sorted(name for name in labels if name.startswith(f"{folder}/"))
    for name in names[::every]:
        try:
            with located(root / name):
                image = picture_inside(root, name)
                size = picture_size(image)
        except DataError as error:
            on_error(error)
            continue
        inner = name.removeprefix(f"{folder}/")
        for number, face in enumerate(labels[name]):
            if face.score < keep.score or face.confidence < keep.confidence:
                continue
            try:
                with located(labels_file()):
                    box = _checked_box(name, face, scheme, size)
            except DataError as error:
                on_error(error)
                continue
            if (box[2:] - box[:2]).max() >= keep.smallest:
                yield Sample(
                    image=image,
                    id=inner if number == 0 else f"{inner}#{number}",
                    box=box,
                    points=face.points,
                    scheme=face.scheme,
                    given_box=None,
                    group=photo(inner),
                )


def _checked_box(name: str, face: PseudoLabel, scheme: Scheme, size: tuple[int, int]) -> NDArray:
    try:
        if face.scheme != scheme.name:
            raise ValueError(f"{scheme.name} points are wanted, not {face.scheme}")
        return points_box(check_points(face.points, scheme.num_points, size))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
