"""Reader of `labels.jsonl`: one face a line, of whose points some may not be annotated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.sample import COVERED, HIDDEN, VISIBLE, OnError, Sample, fail, located
from fkp.datasets.validation import check_partial, picture_inside, picture_size
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
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            with located(file, number):
                row = _parse(line)
                sample = _sample(folder, row, group) if keep(row) else None
        except DataError as error:
            on_error(error)
            continue
        if sample is not None:
            yield sample


def _parse(line: bytes) -> dict[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("a line must be a JSON object")
    return row


def _sample(folder: Path, row: dict[str, Any], group: Callable[[dict[str, Any]], str]) -> Sample:
    try:
        name, pose, listed = row["image"], row["pose"], row["points"]
        image = picture_inside(folder, name)
        points = np.array([(np.nan, np.nan) if point is None else point for point in listed], np.float64)
        state = None if row.get("state") is None else np.asarray(row["state"])
        yaw = None if row.get("yaw_deg") is None else float(row["yaw_deg"])
        side = group(row)
    except KeyError as error:
        raise ValueError(f"the line has no {error}") from error
    except TypeError as error:
        raise ValueError(f"the line cannot be read: {error}") from error
    if pose not in POSES:
        raise ValueError(f"the pose must be one of {', '.join(POSES)}, not {pose!r}")
    points = check_partial(points, IBUG68.num_points, picture_size(image))
    return Sample(
        image=image,
        id=name,
        box=annotated_box(points),
        points=points,
        scheme=IBUG68.name,
        given_box=None,
        group=side,
        state=None if state is None else check_state(state, points),
        pose=pose,
        yaw=None if yaw is None else -yaw,
    )


def check_state(state: NDArray, points: NDArray) -> NDArray[np.int8]:
    """`state` as (K,) int8, refused where it is not one of the three, or says otherwise than the points
    (K, 2) which of them are hidden by the head."""
    if state.shape != points.shape[:1] or not np.isin(state, (VISIBLE, COVERED, HIDDEN)).all():
        raise ValueError(f"state must be {len(points)} numbers, each {VISIBLE}, {COVERED} or {HIDDEN}")
    if ((state == HIDDEN) != np.isnan(points).any(axis=1)).any():
        raise ValueError("a point must be null where its state says that the head hides it, and only there")
    return state.astype(np.int8)
