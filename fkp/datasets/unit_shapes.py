"""The shapes of a data set's faces: their points in the unit frame of crops around their boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.sample import Sample
from fkp.errors import UsageError
from fkp.geometry import crop_transform, to_unit, transform_points

_SIDE = (256, 256)  # of the square crop in which shapes are compared


def unit_shapes(
    samples: Sequence[Sample], margin: float = 1.0, size: tuple[int, int] = _SIDE
) -> NDArray[np.float64]:
    """The faces' points in the unit frame of crops around their boxes: (N, K, 2).

    Args:
        margin, size: of the crops, see `crop_transform`; of the size (H, W) only the proportions matter.

    Raises:
        UsageError: there are no faces, or one has no points.
    """
    if not samples or any(sample.points is None for sample in samples):
        raise UsageError("shapes need faces, each with its points")
    points, boxes = np.stack([np.asarray(s.points) for s in samples]), [s.box for s in samples]
    return unit_points(points, boxes, margin, size)


def unit_points(
    points: NDArray, boxes: Sequence[NDArray], margin: float = 1.0, size: tuple[int, int] = _SIDE
) -> NDArray[np.float64]:
    """As `unit_shapes`, for points (N, K, 2), image frame, and the boxes (N, 4) of their faces."""
    matrices = [crop_transform(box, size, margin) for box in boxes]
    return np.stack(
        [to_unit(transform_points(m, shape), size) for m, shape in zip(matrices, points, strict=True)]
    )
