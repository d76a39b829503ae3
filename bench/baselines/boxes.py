"""From canonical face boxes back to those of the detector that a baseline was trained with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fkp.geometry import BoxMap


def own_boxes(canonical: NDArray, box_map: BoxMap) -> NDArray:
    """The detector's boxes that a box map leads to these canonical boxes: (N, 4) -> (N, 4)."""
    # One axis: (x0', x1') = A (x0, x1), since a side moves by a share of the width.
    own = np.empty_like(canonical)
    for axis, near, far in ((0, box_map.left, box_map.right), (1, box_map.top, box_map.bottom)):
        forward = np.array([[1 - near, near], [-far, 1 + far]])
        own[:, [axis, axis + 2]] = canonical[:, [axis, axis + 2]] @ np.linalg.inv(forward).T
    return own
