"""Reader of WFLW (Wu et al., "Look at Boundary", CVPR 2018): 98 points by hand, of which 68 are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.annotation_checks import check_near, check_points, picture_inside, picture_size
from fkp.datasets.parsing import number, read_lines
from fkp.datasets.sample import DataError, OnError, Sample, fail, located
from fkp.geometry import points_box
from fkp.schemes import IBUG68

Split = Literal["train", "test"]

WFLW_SPLITS: tuple[Split, ...] = ("train", "test")
WFLW_IMAGES = "WFLW_images"
WFLW_LISTS = "WFLW_annotations/list_98pt_rect_attr_train_test"

_POINTS = 98
_FIELDS = 2 * _POINTS + 4 + 6 + 1  # the points, a box, six attributes, the picture's name

# WFLW's points in the order of the 68: every second one of the jaw, the upper edges of the brows, the nose,
# six of each eye's eight, the mouth. The lower edges of the brows and the pupils are left out.
_TO_68 = (
    *range(0, 33, 2),
    *range(33, 38),
    *range(42, 47),
    *range(51, 60),
    *(60, 61, 63, 64, 65, 67),
    *(68, 69, 71, 72, 73, 75),
    *range(76, 96),
)


def wflw_list(split: Split) -> str:
    """The annotations of a split, relative to the data set's folder."""
    return f"{WFLW_LISTS}/list_98pt_rect_attr_{split}.txt"


def read_wflw(folder: Path, split: Split, on_error: OnError = fail) -> Iterator[Sample]:
    """One sample for every line of a split's list; a group is a picture, which may show several people.

    Coordinates are taken as they stand in the file.

    Args:
        folder: of the data set, with `WFLW_annotations` and `WFLW_images`.
        split: "train" or "test".
        on_error: called for every broken line.
    """
    file = folder / wflw_list(split)
    faces: Counter[str] = Counter()
    try:
        lines = read_lines(file)
    except DataError as error:
        on_error(error)
        return
    for i, line in lines:
        try:
            with located(file, i):
                name, given_box, points = _parse(folder, line)
        except DataError as error:
            on_error(error)
            continue
        yield Sample(
            image=folder / name,
            id=f"{name}#{faces[name]}" if faces[name] else name,
            box=points_box(points),
            points=points,
            scheme=IBUG68.name,
            given_box=given_box,
            group=name,
        )
        faces[name] += 1
    if not lines:
        on_error(DataError(file, None, "holds no faces"))


def _parse(folder: Path, line: str) -> tuple[str, NDArray, NDArray]:
    """The picture's name, the given box (4,) and the 68 points of a line."""
    fields = line.split(maxsplit=_FIELDS - 1)
    if len(fields) != _FIELDS:
        raise ValueError(f"{_FIELDS - 1} numbers and a picture's name are wanted, not {len(fields)} fields")
    values = np.array([number(field) for field in fields[:-1]])
    name = f"{WFLW_IMAGES}/{fields[-1].strip()}"
    size = picture_size(picture_inside(folder, name))
    points = check_points(values[: 2 * _POINTS].reshape(-1, 2), _POINTS, size)
    given_box = values[2 * _POINTS : 2 * _POINTS + 4]
    check_near(given_box.reshape(2, 2), size, "the box")
    if (given_box[2:] <= given_box[:2]).any():
        raise ValueError("the box has no area")
    return name, given_box, check_points(points[list(_TO_68)], IBUG68.num_points, size)
