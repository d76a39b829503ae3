"""The Kaggle contest CS194-26: its submissions written, checked and scored.

A submission is a CSV `Id,Predicted` with Id = image * 136 + 2 * point + (0 for x, 1 for y), images in
the order of the contest's XML, values in pixels of the original image. The score is the mean
absolute error of all values.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkp import metrics
from fkp.atomic import write_text
from fkp.datasets import DLIB_BOX
from fkp.datasets.catalog import IBUG_FOLDER, KAGGLE_TEST_XML
from fkp.datasets.dlib_xml import read_dlib_xml, read_given_boxes
from fkp.errors import DataError, SubmissionError
from fkp.schemes import IBUG68

HEADER = "Id,Predicted"
VALUES = 2 * IBUG68.num_points  # of one image
_SHOWN = 5  # problems, and missing ids
_WIDTH = 60  # characters of a line that a message shows
_ID = re.compile("[0-9]{1,12}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Score:
    """How good a submission is on the images whose points are known.

    Attributes:
        images: in the submission.
        covered: of them, those with known points.
        mae: mean absolute error over all covered points, pixels.
        regions: the same per region of the face.
        folders: folder of the data set -> the same over its images.
        counts: folder -> covered images.
    """

    images: int
    covered: int
    mae: float
    regions: Mapping[str, float]
    folders: Mapping[str, float]
    counts: Mapping[str, int]


def find_xml(path: Path) -> Path:
    """The contest's XML: the file itself, or the one in a data root or in the data set's folder.

    Raises:
        FileNotFoundError: there is none.
    """
    candidates = (path, path / KAGGLE_TEST_XML, path / IBUG_FOLDER / KAGGLE_TEST_XML)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"{path} is no XML of the contest, and holds no {KAGGLE_TEST_XML}")


def contest_images(xml: Path) -> list[str]:
    """The names of the contest's images, in its order; the pictures need not be there.

    Raises:
        DataError: the XML is broken, or lists an image a second time.
    """
    return list(read_given_boxes(xml))


def known_points(xml: Path) -> dict[str, NDArray]:
    """Image -> (68, 2) true points, for those whose picture and points are there."""
    problems: list[DataError] = []
    samples = read_dlib_xml(xml, DLIB_BOX, problems.append)
    return {sample.id: sample.points for sample in samples if sample.points is not None}


def write_submission(path: Path, points: NDArray) -> None:
    """Write predictions (N, 68, 2) for the contest's N images.

    Raises:
        SubmissionError: a value is not a finite number.
    """
    values = np.asarray(points, np.float64).reshape(-1)
    if not np.isfinite(values).all():
        image = int(np.flatnonzero(~np.isfinite(values))[0]) // VALUES
        raise SubmissionError(f"the prediction for image {image} holds NaN or infinities")
    lines = [f"{i},{value:.5f}" for i, value in enumerate(values)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n".join([HEADER, *lines]) + "\n")


def read_submission(path: Path, images: int) -> NDArray[np.float64]:
    """The predictions (images, 68, 2) of a submission in any order of its lines.

    A byte order mark, quotes, Windows' line ends and blank lines at the end are read over.

    Raises:
        SubmissionError: the header, the number of values, an id or a value is wrong.
    """
    try:
        content = path.read_text(encoding="utf-8-sig").rstrip()
    except (OSError, UnicodeDecodeError) as error:
        raise SubmissionError(f"{path} cannot be read: {error}") from error
    lines = io.StringIO(content)
    header = lines.readline().rstrip()
    if header.replace('"', "").replace(" ", "") != HEADER:
        raise SubmissionError(f"{path}:1: the header must be {HEADER!r}, not {_short(header)!r}")
    count = images * VALUES
    values = np.full(count, np.nan)
    problems = []
    for number, line in enumerate(lines, 2):
        try:
            index, value = _parse(line.rstrip(), count)
            if not np.isnan(values[index]):
                raise ValueError(f"the id {index} occurs a second time")
            values[index] = value
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            if len(problems) == _SHOWN:
                problems.append("...")
                break
    missing = np.flatnonzero(np.isnan(values))
    if len(missing) and len(problems) <= _SHOWN:
        first = ", ".join(map(str, missing[:_SHOWN]))
        problems.append(f"{len(missing)} ids have no valid value, the first ones: {first}")
    if (found := content.count("\n")) != count:
        problems.append(f"{found} values, but {images} images need {count}")
    if problems:
        raise SubmissionError(f"{path} is no valid submission:\n  " + "\n  ".join(problems))
    return values.reshape(images, -1, 2)


def _values(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise ValueError(f"{_short(line)!r} cannot be read: {error}") from None


def _short(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}..."


def _parse(line: str, count: int) -> tuple[int, float]:
    fields = [field.strip() for field in _values(line)]
    if len(fields) != 2:
        raise ValueError(f"an id and a value are needed, not {_short(line)!r}")
    name, written = fields
    if not _ID.fullmatch(name):
        raise ValueError(f"the id {_short(name)!r} is not a whole number from 0")
    if (index := int(name)) >= count:
        raise ValueError(f"the id {index} is out of range: the last one is {count - 1}")
    if not _NUMBER.fullmatch(written):
        raise ValueError(f"the value {_short(written)!r} is not a finite number")
    value = float(written)
    if not np.isfinite(value):
        raise ValueError(f"the value {written} is not finite")
    return index, value


def score(points: NDArray, images: Sequence[str], truth: Mapping[str, NDArray]) -> Score:
    """The score of predictions (N, 68, 2) for images of those names.

    Raises:
        SubmissionError: no image has known points.
    """
    covered = [i for i, name in enumerate(images) if name in truth]
    if not covered:
        raise SubmissionError("none of the images has known points, so there is nothing to score")
    errors = metrics.point_mae(points[covered], np.stack([truth[images[i]] for i in covered]))
    folders = [images[i].rpartition("/")[0] for i in covered]
    counts = Counter(folders)
    return Score(
        images=len(images),
        covered=len(covered),
        mae=float(errors.mean()),
        regions=metrics.region_means(errors, IBUG68.regions),
        folders={name: float(errors[[f == name for f in folders]].mean()) for name in sorted(counts)},
        counts=dict(sorted(counts.items())),
    )
