"""Pixel packing: four pixels of a row as one of twelve channels, the input of quantized networks.

A 3x3 convolution of stride 2 has two outputs for each group of four pixels, and sees only the group and its
left neighbor. So it equals a convolution of 3x2 groups with twice the channels, padded on the left only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GROUP = 4  # pixels
_OUTPUTS = GROUP // 2
# Where the three columns of a weight are for each output: which of the two groups, and which of its pixels.
_PLACES = [
    [divmod(GROUP + 2 * output + column - 1, GROUP) for column in range(3)] for output in range(_OUTPUTS)
]


def group_weight(weight: NDArray) -> NDArray:
    """The weight (C, 3, 3, 3) of a convolution of pixels -> that of groups, (2 * C, 12, 3, 2)."""
    outputs, channels = weight.shape[:2]
    grouped = np.zeros((_OUTPUTS, outputs, GROUP, channels, 3, 2), weight.dtype)
    for output, places in enumerate(_PLACES):
        for column, (group, pixel) in enumerate(places):
            grouped[output, :, pixel, :, :, group] = weight[..., column]
    return grouped.reshape(_OUTPUTS * outputs, GROUP * channels, 3, 2)


def ungroup_weight(grouped: NDArray) -> NDArray:
    """What `group_weight` was given."""
    first = grouped.reshape(_OUTPUTS, -1, GROUP, 3, 3, 2)[0]
    return np.stack([first[:, pixel, :, :, group] for group, pixel in _PLACES[0]], axis=-1)


def ungroup_maps(maps: NDArray) -> NDArray:
    """Maps of groups, (2 * C, H, W), as maps of pixels: (C, H, 2 * W)."""
    _, height, width = maps.shape
    apart = maps.reshape(_OUTPUTS, -1, height, width).transpose(1, 2, 3, 0)
    return apart.reshape(-1, height, _OUTPUTS * width)


def is_grouped(weight: NDArray) -> bool:
    """Whether a first convolution's weight is one of groups of colored pixels."""
    return weight.shape[1:] == (3 * GROUP, 3, 2)
