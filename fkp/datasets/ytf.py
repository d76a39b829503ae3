"""Reader of the Udacity course's YouTube Faces frames: one CSV row a face, 68 landmarks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fkp.datasets.sample import OnError, Sample, fail, located
from fkp.datasets.validation import check_points, picture_inside, picture_size
from fkp.errors import DataError
from fkp.geometry import points_box
from fkp.schemes import IBUG68

CSV_SUFFIX = "_frames_keypoints.csv"


def read_ytf_csv(file: Path, on_error: OnError = fail) -> Iterator[Sample]:
    """One sample for every row after the header: the picture's name, then x and y of each point.

    The pictures of `NAME_frames_keypoints.csv` are in the folder NAME beside it; a group is a person.
    """
    folder = file.name.removesuffix(CSV_SUFFIX)
    with file.open(errors="replace") as stream:
        next(stream, None)
        for number, row in enumerate(stream, 2):
            try:
                with located(file, number):
                    sample = _read_row(file.parent, folder, row.strip().split(","))
            except DataError as error:
                on_error(error)
            else:
                yield sample


def _read_row(root: Path, folder: str, row: list[str]) -> Sample:
    if len(row) != 1 + 2 * IBUG68.num_points:
        raise ValueError(f"a file name and {2 * IBUG68.num_points} numbers are wanted, not {len(row)} values")
    name = f"{folder}/{row[0]}"
    image = picture_inside(root, name)
    values = np.array([float(value) for value in row[1:]]).reshape(-1, 2)
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
