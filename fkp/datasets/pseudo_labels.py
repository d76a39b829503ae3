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

from fkp.datasets.sample import OnError, Sample, fail, located
from fkp.datasets.validation import photo, picture_inside
from fkp.errors import DataError
from fkp.geometry import points_box


@dataclass(frozen=True, slots=True, eq=False)
class PseudoLabel:
    """What the teachers say of one face.

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


def read_labels(path: Path) -> dict[str, list[PseudoLabel]]:
    """The labeled faces of each picture, by the picture's path in the data root.

    Raises:
        FileNotFoundError: there is no such file.
        DataError: a line cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: make it with `python -m fkp data label`")
    labels: dict[str, list[PseudoLabel]] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        with located(path, number):
            try:
                row = json.loads(line)
                labels[row["picture"]] = [
                    PseudoLabel(f["score"], f["confidence"], np.asarray(f["points"], float), f["scheme"])
                    for f in row["faces"]
                ]
            except (KeyError, TypeError) as error:
                raise ValueError(f"not a line of labels: {error!r}") from error
    return labels


def resume_labels(path: Path) -> Collection[str]:
    """The pictures that a file of labels holds, none where it is not there, ready for more: a last line that
    an interruption left incomplete is dropped.

    Raises:
        DataError: another line cannot be read.
    """
    if not path.is_file():
        return ()
    with path.open("r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)
    return read_labels(path).keys()


def append_label(path: Path, picture: str, faces: list[PseudoLabel]) -> None:
    """Adds one picture's line to a file of labels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({"picture": picture, "faces": [face.to_dict() for face in faces]}) + "\n")


def read_labeled(
    root: Path, folder: str, belief: LabelFilter, on_error: OnError = fail, every: int = 1
) -> Iterator[Sample]:
    """The faces in a folder's pictures that the teachers are sure of, as samples.

    Args:
        root: the data root.
        folder: of the pictures, in the data root.
        belief: what faces must be.
        on_error: called for every broken entry.
        every: only every n-th picture is read.
    """
    names = sorted(item for item in read_labels(labels_file()).items() if item[0].startswith(f"{folder}/"))
    for name, faces in names[::every]:
        try:
            with located(root / name):
                image = picture_inside(root, name)
        except DataError as error:
            on_error(error)
            continue
        inner = name.removeprefix(f"{folder}/")
        for number, face in enumerate(faces):
            box = points_box(face.points)
            sure = face.score >= belief.score and face.confidence >= belief.confidence
            if sure and (box[2:] - box[:2]).max() >= belief.smallest:
                yield Sample(
                    image=image,
                    id=inner if number == 0 else f"{inner}#{number}",
                    box=box,
                    points=face.points,
                    scheme=face.scheme,
                    given_box=None,
                    group=photo(inner),
                )
