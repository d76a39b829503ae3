"""Identities of faces in a video: numbers that stay with a person, from places and motion alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fkp.geometry import box_iou

_NEAR = 1.3  # distance of two faces over their size, below which their boxes disturb each other
_MIXED = 0.3  # IoU of two tracks, above which either may run on with the other's face
_REACH = 1.0  # distance over size at which a face that appears may be one that was lost
_REACH_MET = 2.0  # the same for one that was lost behind another
_REMEMBERED = 0.5  # seconds for which a lost face is remembered
_REMEMBERED_MET = 2.0  # the same for one that was lost behind another
_FORESIGHT = 1.0  # seconds for which a motion is assumed to go on
_CALM = 0.2  # seconds over which a motion is averaged
_YOUNG = 0.3  # seconds: what vanishes into another face earlier was never a second one


@dataclass(slots=True, eq=False)
class Identity:
    """One person; place and motion are those from before others came near.

    Attributes:
        number: from 0 up, never given twice.
        born: time at which the face was first seen, in seconds.
        time: of what follows.
        center: (2,) of the face box, image frame.
        velocity: (2,) in pixels a second.
        met: those that came near since `time`, and whether the two may have been mixed up.
        lost: when the face was lost; None while it is seen.
    """

    number: int
    born: float
    time: float
    center: NDArray[np.float64]
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    met: dict[Identity, bool] = field(default_factory=dict)
    lost: float | None = None

    def expected(self, time: float) -> NDArray[np.float64]:
        """The center where the face should be by its motion, (2,)."""
        return self.center + self.velocity * min(max(time - self.time, 0.0), _FORESIGHT)

    def move(self, center: NDArray[np.float64], time: float) -> None:
        """Note where the face is."""
        if (step := time - self.time) > 0:
            self.velocity += step / (step + _CALM) * ((center - self.center) / step - self.velocity)
        self.center, self.time = center, time

    def part_from(self, other: Identity) -> None:
        """The two are no longer near each other."""
        self.met.pop(other, None)
        other.met.pop(self, None)


class Identities:
    """Gives numbers to the faces of one video, and finds them again after they crossed or were covered."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._count = 0
        self._lost: list[Identity] = []

    @property
    def is_anyone_covered(self) -> bool:
        """Whether a face is lost behind another, where it may reappear in any frame."""
        return any(identity.met for identity in self._lost)

    def enter(self, box: NDArray[np.floating], time: float) -> Identity:
        """The identity of a new face: one that was lost nearby, or a new one."""
        center, size = _place(box)

        def reach(identity: Identity) -> float:
            away = float(np.linalg.norm(identity.expected(time) - center))
            return away / (size * (_REACH_MET if identity.met else _REACH))

        nearest = min(self._lost, key=reach, default=None)
        if nearest is not None and reach(nearest) < 1:
            self._lost.remove(nearest)
            nearest.lost = None
            return nearest
        self._count += 1
        return Identity(self._count - 1, time, time, center)

    def lose(self, identity: Identity, time: float) -> None:
        """The face is not seen any more."""
        identity.lost = time
        self._lost.append(identity)

    def merge(self, kept: Identity, dropped: Identity, box: NDArray[np.floating], time: float) -> Identity:
        """Decide by motion to which of two tracks the face in `box` belongs. The other one is lost."""
        if time - dropped.born < _YOUNG:
            for other in list(dropped.met):
                dropped.part_from(other)
            return kept
        center, _ = _place(box)
        both = sorted((kept, dropped), key=lambda i: float(np.linalg.norm(i.expected(time) - center)))
        both[0].met[both[1]] = both[1].met[both[0]] = True
        self.lose(both[1], time)
        return both[0]

    def follow(
        self, identities: Sequence[Identity], boxes: Sequence[NDArray[np.floating]], time: float
    ) -> list[Identity]:
        """The identity in each of the boxes now, given the identities of their tracks.

        Where two tracks part that were mixed up, their motion from before decides.
        """
        now = list(identities)
        places = [_place(box) for box in boxes]
        overlaps = box_iou(np.reshape(boxes, (-1, 4)), np.reshape(boxes, (-1, 4)))
        for i in range(len(now)):
            for j in range(i + 1, len(now)):
                a, b = now[i], now[j]
                (center_a, size_a), (center_b, size_b) = places[i], places[j]
                if np.linalg.norm(center_a - center_b) < _NEAR * (size_a + size_b) / 2:
                    mixed = a.met.get(b, False) or bool(overlaps[i, j] > _MIXED)
                    a.met[b] = b.met[a] = mixed
                elif b in a.met:
                    if a.met[b] and _have_swapped(a, b, center_a, center_b, time):
                        now[i], now[j] = b, a
                    a.part_from(b)
        for identity, (center, _) in zip(now, places, strict=True):
            if not identity.met:
                identity.move(center, time)
        self._forget(time)
        return now

    def _forget(self, time: float) -> None:
        for identity in list(self._lost):
            memory = _REMEMBERED_MET if identity.met else _REMEMBERED
            if identity.lost is None or time - identity.lost > memory:
                self._lost.remove(identity)
                for other in list(identity.met):
                    identity.part_from(other)


def _have_swapped(
    a: Identity, b: Identity, center_a: NDArray[np.float64], center_b: NDArray[np.float64], time: float
) -> bool:
    """Whether the faces fit the motions better the other way round."""
    expected_a, expected_b = a.expected(time), b.expected(time)
    kept = np.linalg.norm(expected_a - center_a) + np.linalg.norm(expected_b - center_b)
    swapped = np.linalg.norm(expected_a - center_b) + np.linalg.norm(expected_b - center_a)
    return bool(swapped < kept)


def _place(box: NDArray[np.floating]) -> tuple[NDArray[np.float64], float]:
    """Center and longer side of a box (4,)."""
    corners = np.asarray(box, np.float64).reshape(2, 2)
    return corners.mean(axis=0), float(max(np.ptp(corners, axis=0).max(), 1.0))
