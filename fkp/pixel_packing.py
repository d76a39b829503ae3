"""Pictures as groups of four pixels of a row, each with twelve channels: how integer files see them.

A 3x3 convolution of stride 2 answers twice for each group, and sees no more than the group and its left
neighbor; so it is also one of 3x2 groups with twice its channels, padded on the left only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GROUP = 4  # pixels
_ANSWERS = GROUP // 2
# Where the three columns of a weight are for each answer: which of the two groups, and which of its pixels.
_PLACES = [
    [divmod(GROUP + 2 * answer + column - 1, GROUP) for column in range(3)] for answer in range(_ANSWERS)
]


def group_weight(weight: NDArray) -> NDArray:
    """The weight (C, 3, 3, 3) of a convolution of pixels -> that of groups, (2 * C, 12, 3, 2)."""
    outputs, channels = weight.shape[:2]
    grouped = np.zeros((_ANSWERS, outputs, GROUP, channels, 3, 2), weight.dtype)
    for answer, places in enumerate(_PLACES):
        for column, (group, pixel) in enumerate(places):
            grouped[answer, :, pixel, :, :, group] = weight[..., column]
    return grouped.reshape(_ANSWERS * outputs, GROUP * channels, 3, 2)


def ungroup_weight(grouped: NDArray) -> NDArray:
    """What `group_weight` was given."""
    first = grouped.reshape(_ANSWERS, -1, GROUP, 3, 3, 2)[0]
    return np.stack([first[:, pixel, :, :, group] for group, pixel in _PLACES[0]], axis=-1)


def ungroup_answers(maps: NDArray) -> NDArray:
    """The answers for groups, (2 * C, H, W), as those for pixels: (C, H, 2 * W)."""
    _, height, width = maps.shape
    apart = maps.reshape(_ANSWERS, -1, height, width).transpose(1, 2, 3, 0)
    return apart.reshape(-1, height, _ANSWERS * width)


def is_grouped(weight: NDArray) -> bool:
    """Whether a first convolution's weight is one of groups of colored pixels."""
    return weight.shape[1:] == (3 * GROUP, 3, 2)
