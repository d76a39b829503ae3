"""Reader of the Udacity course's YouTube Faces frames: one CSV row a face, 68 landmarks."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fkp.datasets.annotation_checks import check_points, picture_inside, picture_size
from fkp.datasets.parsing import number, read_lines
from fkp.datasets.sample import OnError, Sample, fail, located
from fkp.errors import DataError
from fkp.geometry import points_box
from fkp.schemes import IBUG68

CSV_SUFFIX = "_frames_keypoints.csv"


def read_ytf_csv(file: Path, on_error: OnError = fail) -> Iterator[Sample]:
    """One sample for every row: the picture's name, then x and y of each point.

    The pictures of `NAME_frames_keypoints.csv` are in the folder NAME beside it; a group is a person. The
    header, whose first value is empty, may be missing.
    """
    folder = file.name.removesuffix(CSV_SUFFIX)
    faces = 0
    try:
        lines = read_lines(file)
    except DataError as error:
        on_error(error)
        return
    for i, line in lines:
        try:
            with located(file, i):
                row = _values(line)
                if i == 1 and not row[0]:
                    continue
                faces += 1
                sample = _read_row(file.parent, folder, row)
        except DataError as error:
            on_error(error)
        else:
            yield sample
    if not faces:
        on_error(DataError(file, None, "holds no faces"))


def _values(line: str) -> list[str]:
    """The values of one line of CSV: a quote that is never closed spoils its own line only."""
    try:
        return [value.strip() for value in next(csv.reader([line]))]
    except csv.Error as error:
        raise ValueError(f"is not a line of CSV: {error}") from error


def _read_row(root: Path, folder: str, row: list[str]) -> Sample:
    if len(row) != 1 + 2 * IBUG68.num_points:
        raise ValueError(f"a file name and {2 * IBUG68.num_points} numbers are wanted, not {len(row)} values")
    name = f"{folder}/{row[0]}"
    image = picture_inside(root, name)
    values = np.array([number(value) for value in row[1:]]).reshape(-1, 2)
    points = check_points(values, IBUG68.num_points, picture_size(image))
    person = row[0].rpartition("_")[0]
    return Sample(
        image=image,
        id=name,
        box=points_box(points),
        points=points,
        scheme=IBUG68.name,
        given_box=None,
        group=person,
    )
