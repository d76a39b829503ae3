"""One annotated face, and how readers report broken input."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkp.errors import DataError, FkpError, UsageError
from fkp.schemes import NOSE1, get_scheme

VISIBLE, COVERED, HIDDEN = 0, 1, 2
"""States of a point: seen, covered by something else, hidden by the head itself."""

VISIBLE, COVERED, HIDDEN = 0, 1, 2
"""States of a point: seen, covered by something else, hidden by the head itself."""

OnError = Callable[[DataError], None]
"""What a reader calls for a broken entry: raise (the default), or return to skip the entry.

`problems.append` of a list is one: it skips what is broken and keeps what was wrong.
"""


def fail(error: DataError) -> None:
    """The strict `OnError`: the first broken entry ends the reading."""
    raise error


@contextmanager
def located(file: Path, line: int | None = None) -> Iterator[None]:
    """Turn a ValueError or an error of ours of the block into a DataError that says where it was."""
    try:
        yield
    except DataError:
        raise
    except (FkpError, ValueError) as error:
        raise DataError(file, line, str(error)) from error


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One face of a data set.

    Attributes:
        image: the picture's file.
        id: unique in its data set and stable across machines: the picture's path in the data set,
            plus `#n` for the n-th further face of the same picture.
        box: canonical face box (4,), float64, image frame: the tight box of the landmarks, or the
            data set's own box mapped to it where there are no points.
        points: (K, 2) float64, image frame; NaN where a point is not annotated, None where none is.
        scheme: name of the points' scheme.
        given_box: (4,) the box that stands in the data set's own file, None where there is none.
        group: faces of one group (a photo, a person) stay on one side of a split.
        state: (K,) int8, `VISIBLE`, `COVERED` or `HIDDEN`; None where the data set does not say.
        pose: "frontal", "lefthalf", "left", "righthalf" or "right": turned half or all the way to the
            subject's own left or right; None where unknown.
        yaw: degrees, positive where the face looks to the right of the picture; None where unknown.
    """

    image: Path
    id: str
    box: NDArray
    points: NDArray | None
    scheme: str
    given_box: NDArray | None
    group: str
    state: NDArray | None = None
    pose: str | None = None
    yaw: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every point is annotated."""
        return self.points is not None and bool(np.isfinite(self.points).all())


def as_scheme(sample: Sample, scheme: str) -> Sample:
    """The sample with the landmarks of another scheme; its box stays the whole face's.

    Raises:
        UsageError: there is no way from the sample's scheme to that one (there is one to `nose1`).
    """
    if scheme == sample.scheme:
        return sample
    if scheme != NOSE1.name:
        raise UsageError(f"{sample.scheme} landmarks cannot be turned into {scheme}")
    tip = get_scheme(sample.scheme).nose_tip
    points = None if sample.points is None else sample.points[tip : tip + 1]
    state = None if sample.state is None else sample.state[tip : tip + 1]
    return dataclasses.replace(sample, points=points, state=state, scheme=scheme)
