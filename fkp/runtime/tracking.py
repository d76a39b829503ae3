"""Tracker: landmarks through a video, detecting now and then instead of in every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fkp.geometry import box_diagonal, box_iou, points_box, suppress_overlaps
from fkp.runtime.face import Face
from fkp.runtime.identities import Identities, Identity
from fkp.runtime.landmarker import Landmarker

_SAME_FACE = 0.3  # IoU above which a detection and a track are one face
_MERGED = 0.7  # IoU above which two tracks have run onto one face
_MOST_MISSES = 3  # detections in a row that may overlook a tracked face
_LOWEST_SCORE = 0.2
_SMALLEST_SIDE = 8.0  # pixels
_MOST_GROWTH = 2.0  # of a face from one frame to the next, and the same for shrinking


class OneEuroFilter:
    """Smooths points: strongly while they rest, hardly while they move (Casiez et al., CHI 2012).

    Speeds are in face sizes a second, so that a face close to the camera is smoothed like a far one.
    """

    def __init__(self, min_cutoff: float = 1.5, beta: float = 20.0, speed_cutoff: float = 1.0) -> None:
        """Set the cutoffs in Hz: `min_cutoff` at rest, `min_cutoff + beta * speed` in motion."""
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._speed_cutoff = speed_cutoff
        self._points: NDArray | None = None
        self._time = 0.0

    def __call__(self, points: NDArray, time: float, size: float) -> NDArray[np.float32]:
        """The smoothed points.

        Args:
            points: (K, 2), image frame.
            time: in seconds; where it does not rise, the filter restarts.
            size: of the face, in pixels.
        """
        current = points.astype(np.float64)
        if self._points is None or time <= self._time:
            self._velocity = np.zeros_like(current)
        else:
            step = time - self._time
            velocity = (current - self._points) / (size * step)
            self._velocity += _weight(self._speed_cutoff, step) * (velocity - self._velocity)
            speed = np.linalg.norm(self._velocity, axis=1, keepdims=True)
            weight = _weight(self._min_cutoff + self._beta * speed, step)
            current = self._points + weight * (current - self._points)
        self._points, self._time = current, time
        return current.astype(np.float32)


def _weight(cutoff: float | NDArray, step: float) -> float | NDArray:
    """The share of a new value in a low-pass filter of that cutoff (Hz), `step` seconds after the last."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))


@dataclass(slots=True)
class _Track:
    """One tracked face; `box` is where it is expected in the next frame."""

    identity: Identity
    box: NDArray[np.float32]
    box_score: float
    filter: OneEuroFilter = field(default_factory=OneEuroFilter)
    points: NDArray[np.float32] | None = None
    misses: int = 0


class Tracker:
    """Follows the faces of one video: each frame's boxes come from the points of the frame before.

    Faces are detected again every few frames, as soon as one is lost, and while one is covered by another.
    `Face.track` numbers people: it stays through crossings and is never given again. A Tracker belongs to
    one video and one thread.
    """

    def __init__(self, landmarker: Landmarker, detect_every: int = 15) -> None:
        """Start without faces; `detect_every` is in frames."""
        self._landmarker = landmarker
        self._detect_every = detect_every
        self._tracks: list[_Track] = []
        self._identities = Identities()
        self._until_detection = 0

    def step(self, image: NDArray[np.uint8], time: float) -> list[Face]:
        """The faces of the next frame with smoothed points and the numbers of their tracks, in that order.

        Args:
            image: RGB uint8 (H, W, 3).
            time: of the frame, in seconds.
        """
        if self._until_detection <= 0 or not self._tracks or self._identities.is_anyone_covered:
            self._detect(image, time)
            self._until_detection = self._detect_every
        self._until_detection -= 1
        analysis = self._landmarker.analyze(image, [track.box for track in self._tracks])
        faces, tracks = [], []
        for track, face in zip(self._tracks, analysis.faces, strict=True):
            following = _follow(track, face)
            if _is_lost(face, following, image.shape):
                self._until_detection = 0
                if _is_inside(following, image.shape):
                    self._identities.lose(track.identity, time)
                continue
            smooth = track.filter(face.points, time, float(box_diagonal(face.box)))
            faces.append(replace(face, points=smooth, box_score=track.box_score))
            track.box, track.points = following, face.points
            tracks.append(track)
        kept = self._merge(tracks, time)
        self._tracks = [tracks[i] for i in kept]
        self._identify(time)
        found = [
            replace(faces[i], track=track.identity.number)
            for i, track in zip(kept, self._tracks, strict=True)
        ]
        return sorted(found, key=lambda face: face.track or 0)

    def _detect(self, image: NDArray[np.uint8], time: float) -> None:
        found = self._landmarker.detect(image)
        boxes = np.array([track.box for track in self._tracks]).reshape(-1, 4)
        same = box_iou(boxes, found.boxes) > _SAME_FACE
        for track, matches in zip(self._tracks, same, strict=True):
            track.misses = 0 if matches.any() else track.misses + 1
            if track.misses == _MOST_MISSES:
                self._identities.lose(track.identity, time)
        self._tracks = [track for track in self._tracks if track.misses < _MOST_MISSES]
        for i in np.flatnonzero(~same.any(axis=0)):
            box = found.boxes[i]
            self._tracks.append(_Track(self._identities.enter(box, time), box, float(found.scores[i])))

    def _merge(self, tracks: Sequence[_Track], time: float) -> list[int]:
        """Indices of the tracks without those that ran onto the face of one that came before them."""
        boxes = np.array([track.box for track in tracks]).reshape(-1, 4)
        kept = suppress_overlaps(boxes, -np.arange(len(tracks)), _MERGED)
        overlaps = box_iou(boxes, boxes)
        for i in set(range(len(tracks))) - set(kept):
            stays = tracks[max(kept, key=lambda k: float(overlaps[i, k]))]
            stays.identity = self._identities.merge(stays.identity, tracks[i].identity, stays.box, time)
        return kept

    def _identify(self, time: float) -> None:
        now = self._identities.follow(
            [track.identity for track in self._tracks], [track.box for track in self._tracks], time
        )
        for track, identity in zip(self._tracks, now, strict=True):
            track.identity = identity


def _follow(track: _Track, face: Face) -> NDArray[np.float32]:
    """The box in which a face is expected in the next frame."""
    if len(face.points) >= 3:
        return points_box(face.points).astype(np.float32)
    if track.points is None:
        return face.box
    # Too few points to span a box: it moves along with them.
    return face.box + np.tile((face.points - track.points).mean(axis=0), 2)


def _is_lost(face: Face, following: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    side, next_side = (float((box[2:] - box[:2]).max()) for box in (face.box, following))
    return (
        float(face.scores.mean()) < _LOWEST_SCORE
        or not _is_inside(following, shape)
        or float((following[2:] - following[:2]).min()) < _SMALLEST_SIDE
        or not side / _MOST_GROWTH < next_side < side * _MOST_GROWTH
    )


def _is_inside(box: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    """Whether the center of a box is in a picture of that shape (H, W, ...)."""
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    return 0 <= x < shape[1] and 0 <= y < shape[0]
