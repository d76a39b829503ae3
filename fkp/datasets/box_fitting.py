"""The map from a face detector's boxes to canonical face boxes, fitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from numpy.typing import NDArray

from fkp.datasets.sample import Sample
from fkp.errors import UsageError
from fkp.geometry import BoxMap, box_iou

# A box that overlaps a face less than this is on something else.
_MIN_IOU = 0.3


def fit_box_map(samples: Sequence[Sample], found: Iterable[NDArray]) -> tuple[BoxMap, int]:
    """The map from a source's boxes to canonical ones, and how many faces it rests on.

    Args:
        samples: faces with points, so that their boxes are canonical.
        found: for each sample, the source's boxes in its picture, (N, 4); the one that overlaps the
            face most is taken.

    Raises:
        UsageError: no box overlaps its face.
    """
    pairs = []
    for sample, boxes in zip(samples, found, strict=True):
        overlaps = box_iou(sample.box, boxes)[0]
        if overlaps.size and overlaps.max() > _MIN_IOU:
            pairs.append((boxes[overlaps.argmax()], sample.box))
    if not pairs:
        raise UsageError("no box overlaps its face, so there is nothing to fit")
    ours, canonical = zip(*pairs, strict=True)
    return BoxMap.fit(ours, canonical), len(pairs)
