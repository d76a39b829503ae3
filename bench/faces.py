"""The faces that models are measured on, and the boxes in which they are looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.cache import folder_hash
from fkp.datasets import DATASETS, DLIB_BOX, Sample, available, load
from fkp.geometry import box_iou
from fkp.runtime.detectors import Detector

T = TypeVar("T")

# Test faces that nothing is tuned on; each of the others can be asked for by its name.
DEFAULT_DATASETS = ("300w-common", "kaggle-test", "ytf-test", "imm-val")

# Parts that get rows of their own: data set -> {name of the part: how the ids of its faces begin}.
PARTS: Mapping[str, Mapping[str, str]] = {"300w-common": {"300w-helen": "helen/", "300w-lfpw": "lfpw/"}}

# "truth": the tight box of the true points; "dataset": the data set's own box, mapped to it;
# "detector": the runtime's face detector.
BOX_SOURCES = ("truth", "dataset", "detector")

# A detection that overlaps the true box less than this is no detection of that face.
MIN_IOU = 0.3


def check_is_there(name: str, root: Path) -> None:
    """Raises a ValueError where a data root does not hold the data set of that name."""
    if name not in DATASETS:
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}")
    if name not in (there := available(root)):
        raise ValueError(f"the data set {name} is not in {root}; there are: {', '.join(there) or 'none'}")


@dataclass(frozen=True)
class TestSet:
    """One data set under a data root; its files are read only when they are asked for.

    Attributes:
        name: a name of `fkp.datasets.DATASETS`.
        root: the data root.
        limit: at most so many faces, spread evenly over the set; None for all of them.
    """

    __test__ = False  # not a test, whatever its name begins with

    name: str
    root: Path
    limit: int | None = None

    @property
    def scheme(self) -> str:
        """The landmark scheme of its points."""
        return DATASETS[self.name].scheme

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever a file of the data set does."""
        return folder_hash(self.root / DATASETS[self.name].folder)

    @cached_property
    def listed(self) -> list[Sample]:
        """Its faces, with or without points."""
        return spread(load(self.name, self.root), self.limit)

    @cached_property
    def faces(self) -> list[Sample]:
        """Its faces that have points."""
        return spread([s for s in load(self.name, self.root) if s.points is not None], self.limit)

    def parts(self) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Names and face indices: the whole set, then its parts."""
        yield self.name, np.arange(len(self.faces))
        for name, prefix in PARTS.get(self.name, {}).items():
            indices = [i for i, face in enumerate(self.faces) if face.id.startswith(prefix)]
            if indices:
                yield name, np.array(indices)


def spread(items: Sequence[T], limit: int | None) -> list[T]:
    """At most `limit` of the items, evenly spaced."""
    if limit is None or len(items) <= limit:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, limit).astype(int)]


def face_boxes(face: Sample, image: NDArray[np.uint8], detector: Detector) -> NDArray[np.float64]:
    """The face's canonical box from each of `BOX_SOURCES`, (3, 4); NaN where a source has none."""
    boxes = np.full((len(BOX_SOURCES), 4), np.nan)
    boxes[0] = face.box
    if face.given_box is not None:
        boxes[1] = DLIB_BOX(face.given_box)[0]
    found = detector.detect(image).boxes
    if (best := best_match(face, found)) is not None:
        boxes[2] = found[best]
    return boxes


def best_match(face: Sample, boxes: NDArray) -> int | None:
    """Which of the canonical boxes (N, 4) is on the face; None where none is."""
    if not len(boxes):
        return None
    overlaps = box_iou(face.box, boxes)[0]
    return int(overlaps.argmax()) if overlaps.max() >= MIN_IOU else None
