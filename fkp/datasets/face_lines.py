"""Reader of `labels.jsonl`: one face a line, of whose points some may not be annotated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.annotation_checks import check_partial, picture_inside, picture_size
from fkp.datasets.parsing import json_field, json_numbers, json_object, read_lines
from fkp.datasets.sample import COVERED, HIDDEN, VISIBLE, OnError, Sample, fail, located
from fkp.errors import DataError
from fkp.geometry import annotated_box
from fkp.schemes import IBUG68

LABELS_FILE = "labels.jsonl"
POSES = ("frontal", "lefthalf", "righthalf", "left", "right")


def read_face_lines(
    folder: Path,
    group: Callable[[dict[str, Any]], str],
    on_error: OnError = fail,
    keep: Callable[[dict[str, Any]], bool] = lambda row: True,
) -> Iterator[Sample]:
    """One sample for every line of a folder's `labels.jsonl`.

    A line is a JSON object with `image` (a path in the folder), `pose`, `points` (68 of [x, y], null where a
    point is not annotated) and, where the data set has them, `state` (68 numbers) and `yaw_deg`, which as in
    AFLW2000-3D is positive where the face looks to the left of the picture.

    Args:
        folder: of the data set.
        group: a line -> the sample's `group`.
        on_error: called for every broken line.
        keep: which lines to read.
    """
    file = folder / LABELS_FILE
    try:
        lines = read_lines(file)
    except DataError as error:
        on_error(error)
        return
    for i, line in lines:
        try:
            with located(file, i):
                row = json_object(line)
                sample = _sample(folder, row, group) if keep(row) else None
        except DataError as error:
            on_error(error)
            continue
        if sample is not None:
            yield sample
    if not lines:
        on_error(DataError(file, None, "holds no faces"))


def _sample(folder: Path, row: dict[str, Any], group: Callable[[dict[str, Any]], str]) -> Sample:
    name, pose = json_field(row, "image", str), json_field(row, "pose", str)
    if pose not in POSES:
        raise ValueError(f"the pose must be one of {', '.join(POSES)}, not {pose!r}")
    image = picture_inside(folder, name)
    listed = json_field(row, "points", list)
    points = json_numbers([[np.nan] * 2 if point is None else point for point in listed], "points")
    points = check_partial(points, IBUG68.num_points, picture_size(image))
    state = yaw = None
    if row.get("state") is not None:
        state = check_state(json_numbers(json_field(row, "state", list), "state"), points)
    if row.get("yaw_deg") is not None:
        yaw = _degrees(json_field(row, "yaw_deg", float))
    return Sample(
        image=image,
        id=name,
        box=annotated_box(points),
        points=points,
        scheme=IBUG68.name,
        given_box=None,
        group=group(row),
        state=state,
        pose=pose,
        yaw=None if yaw is None else -yaw,
    )


def _degrees(yaw: float) -> float:
    if not abs(yaw) <= 180:
        raise ValueError(f"yaw_deg must be within -180 and 180, not {yaw}")
    return yaw


def check_state(state: NDArray, points: NDArray) -> NDArray[np.int8]:
    """`state` as (K,) int8, refused where it is not one of the three, or says otherwise than the points
    (K, 2) which of them are hidden by the head."""
    if state.shape != points.shape[:1] or not np.isin(state, (VISIBLE, COVERED, HIDDEN)).all():
        raise ValueError(f"state must be {len(points)} numbers, each {VISIBLE}, {COVERED} or {HIDDEN}")
    if ((state == HIDDEN) != np.isnan(points).any(axis=1)).any():
        raise ValueError("a point must be null where its state says that the head hides it, and only there")
    return state.astype(np.int8)
