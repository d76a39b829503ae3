"""The faces that models are measured on, and the boxes in which they are predicted."""

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
from fkp.errors import UsageError
from fkp.geometry import box_iou
from fkp.runtime.detectors import Detector
from fkp.runtime.pose import head_pose

T = TypeVar("T")

# Test faces that nothing is tuned on; each of the others can be asked for by its name.
DEFAULT_DATASETS = ("300w-common", "kaggle-test", "ytf-test", "imm-val")

# Parts that get rows of their own: data set -> {name of the part: how the ids of its faces begin}.
PARTS: Mapping[str, Mapping[str, str]] = {"300w-common": {"300w-helen": "helen/", "300w-lfpw": "lfpw/"}}

# Kinds of boxes: the tight box of the true points; the data set's own box, mapped to it; the runtime's face
# detector; the face detector that a baseline brings along.
TRUTH, DATASET, DETECTOR, OWN = "truth", "dataset", "detector", "own"


@dataclass(frozen=True, slots=True)
class BoxSource:
    """Where the boxes of predictions come from, and how often the model predicts.

    Attributes:
        kind: one of the four above.
        passes: 2 where the model predicts again, around the points of its first prediction.
    """

    kind: str
    passes: int = 1


# All that accuracy is measured with; a second pass only helps boxes that are not exact.
SOURCES = (
    *(BoxSource(TRUTH), BoxSource(DATASET), BoxSource(DETECTOR)),
    *(BoxSource(DATASET, 2), BoxSource(DETECTOR, 2), BoxSource(OWN)),
)

# Degrees from which on a head counts as half turned, and as far turned.
HALF_TURN, FAR_TURN = 15.0, 30.0

# A detection that overlaps the true box less than this is no detection of that face.
MIN_IOU = 0.3


def check_is_there(name: str, root: Path) -> None:
    """Raise a UsageError where a data root does not hold the data set of that name."""
    if name not in DATASETS:
        raise UsageError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}")
    if name not in (there := available(root)):
        raise UsageError(f"the data set {name} is not in {root}; there are: {', '.join(there) or 'none'}")


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

    @property
    def identity(self) -> list[str | int | None]:
        """What a cache key says of it."""
        return [self.name, self.fingerprint, self.limit]

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
    """The face's canonical box: the true one, the data set's and the detector's, (3, 4); NaN for none."""
    boxes = np.full((3, 4), np.nan)
    boxes[0] = face.box
    if face.given_box is not None:
        boxes[1] = DLIB_BOX(face.given_box)[0]
    found = detector.detect(image).boxes
    if (best := best_match(face, found)) is not None:
        boxes[2] = found[best]
    return boxes


def head_turns(faces: Sequence[Sample]) -> NDArray[np.float64]:
    """How far each head is turned, from its true points, (N,) degrees; positive to the picture's right.

    NaN where the scheme has no head model.
    """
    yaws = []
    for face in faces:
        pose = None if face.points is None else head_pose(face.points, face.scheme)
        yaws.append(np.nan if pose is None else pose.yaw)
    return np.array(yaws)


def best_match(face: Sample, boxes: NDArray) -> int | None:
    """Which of the canonical boxes (N, 4) is on the face; None where none is."""
    if not len(boxes):
        return None
    overlaps = box_iou(face.box, boxes)[0]
    return int(overlaps.argmax()) if overlaps.max() >= MIN_IOU else None
