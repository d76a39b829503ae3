"""Reader of iBUG's `.pts` files: one face a file, 1-indexed sub-pixel coordinates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.annotation_checks import check_points, photo, picture_inside, picture_size
from fkp.datasets.parsing import files_of, is_picture, number, read_lines
from fkp.datasets.sample import OnError, Sample, fail, located
from fkp.errors import DataError
from fkp.geometry import points_box
from fkp.schemes import IBUG68


def read_pts(file: Path) -> NDArray:
    """The points of a `.pts` file in the 0-indexed image frame, (K, 2) float64.

    Raises:
        DataError: the file cannot be read, a line is malformed, or there are not as many points as the file
            says.
    """
    rows = [(i, line.split()) for i, line in read_lines(file)]
    header = ["".join(words).partition(":") for _, words in rows[:3]]
    if [key for key, _, _ in header] != ["version", "n_points", "{"]:
        raise DataError(file, 1, "does not begin with 'version:', 'n_points:' and '{'")
    if rows[-1][1] != ["}"]:
        raise DataError(file, rows[-1][0], "the list of points is not closed with '}'")
    points = []
    for line, words in rows[3:-1]:
        with located(file, line):
            if len(words) != 2:
                raise ValueError(f"a point is two numbers, not {' '.join(words)!r}")
            points.append([number(word) for word in words])
    if header[1][2] != str(len(points)):
        raise DataError(file, rows[1][0], f"says {header[1][2]!r} points, but {len(points)} points follow")
    return np.array(points, np.float64).reshape(-1, 2) - 1


def read_pts_folder(
    root: Path, folder: str, given_boxes: Mapping[str, NDArray], on_error: OnError = fail
) -> Iterator[Sample]:
    """One sample for every `.pts` file of a folder, with the picture of the same name beside it.

    Mirrored copies (`*_mirror.pts`), which iBUG's large archive holds, are left out.

    Args:
        root: the data set's folder, where ids begin.
        folder: the folder to read, relative to `root`.
        given_boxes: id -> box that the data set gives elsewhere.
        on_error: called for every broken entry.
    """
    pictures: defaultdict[str, list[str]] = defaultdict(list)
    for path in (root / folder).iterdir():
        if is_picture(path):
            pictures[path.stem].append(path.name)
    for file in files_of(root / folder, ".pts"):
        if is_mirrored(file.name):
            continue
        try:
            with located(file):
                if len(pictures[file.stem]) != 1:
                    raise ValueError(f"one picture is wanted beside it, not {len(pictures[file.stem])}")
                name = f"{folder}/{pictures[file.stem][0]}"
                image = picture_inside(root, name)
                points = check_points(read_pts(file), IBUG68.num_points, picture_size(image))
        except DataError as error:
            on_error(error)
            continue
        yield Sample(
            image=image,
            id=name,
            box=points_box(points),
            points=points,
            scheme=IBUG68.name,
            given_box=given_boxes.get(name),
            group=photo(name),
        )


def is_mirrored(name: str) -> bool:
    """Whether a file of iBUG's large archive is one of its mirrored copies: mirrors are made, not read."""
    return "_mirror." in name
