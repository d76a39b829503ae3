"""Reader of the IMM face database: `NN-Vg.jpg` with an AAM-API shape file `.asf` of 58 points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.annotation_checks import check_points, picture_inside, picture_size
from fkp.datasets.parsing import files_of, number, read_lines
from fkp.datasets.sample import OnError, Sample, fail, located
from fkp.errors import DataError
from fkp.geometry import points_box
from fkp.schemes import IMM58

_FIELDS = 7  # path, type, x, y, point number, connects from, connects to; some files add zeros
_NAME = re.compile(r"(\d+)-\d+[mf]\.asf", re.ASCII | re.IGNORECASE)


def read_asf(file: Path) -> tuple[NDArray, str]:
    """The points of a shape file as shares of the picture's size, (K, 2), and the picture's name.

    Raises:
        DataError: the file cannot be read, a line is malformed, or there are not as many points as the file
            says.
    """
    rows = [(i, line.strip()) for i, line in read_lines(file) if line[0] != "#"]
    if len(rows) < 2:
        raise DataError(file, None, "holds no number of points and no picture's name")
    points: list[list[float]] = []
    for i, line in rows[1:-1]:
        with located(file, i):
            words = line.split()
            if len(words) < _FIELDS or number(words[4]) != len(points):
                raise ValueError(f"the {_FIELDS} fields of point {len(points)} are wanted, not {line!r}")
            points.append([number(word) for word in words[2:4]])
    if rows[0][1] != str(len(points)):
        raise DataError(file, rows[0][0], f"says {rows[0][1]!r} points, but {len(points)} follow")
    return np.array(points).reshape(-1, 2), rows[-1][1]


def read_imm(root: Path, on_error: OnError = fail) -> Iterator[Sample]:
    """One sample for every `.asf` file of the folder; a group is a person, by number."""
    for file in files_of(root, ".asf"):
        try:
            with located(file):
                sample = _read_face(root, file)
        except DataError as error:
            on_error(error)
        else:
            yield sample


def _read_face(root: Path, file: Path) -> Sample:
    named = _NAME.fullmatch(file.name)
    if named is None:
        raise ValueError("is not named as IMM's files are, person-picture and m or f: 01-1m.asf")
    shares, name = read_asf(file)
    if Path(name).stem != file.stem:
        raise ValueError(f"names the picture {name!r}, which is another face's")
    image = picture_inside(root, name)
    size = picture_size(image)
    points = check_points(shares * size, IMM58.num_points, size)
    return Sample(
        image=image,
        id=name,
        box=points_box(points),
        points=points,
        scheme=IMM58.name,
        given_box=None,
        group=named[1],
    )
