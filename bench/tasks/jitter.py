"""Jitter: a still face moved by a known path as a short video, with and without the runtime's smoothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.candidates import Candidate
from bench.parallel import on_all_cores
from bench.tasks.distortions import Patch, move, rotation_about
from fkp.runtime.detectors import Detections
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.tracking import Tracker

FRAMES = 50
RATE = 25.0  # frames a second
_SHIFT, _ROTATION, _GROWTH = 0.1, 8.0, 0.05  # of the face; degrees; of its size
_NOISE = 4.0  # sigma of the sensor, in gray levels
_MOST_LOST = 50.0  # percent of the frames
_BOX_WOBBLE = 0.03  # sigma of a detector's box sides, of the box's size


def video(patch: Patch, seed: int) -> list[Patch]:
    """The frames: the face goes round slowly, nods and comes nearer; every frame has fresh sensor noise."""
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0, 2 * np.pi, 4)
    center = patch.box.reshape(2, 2).mean(axis=0)
    size = float((patch.box[2:] - patch.box[:2]).max())
    frames = []
    for i in range(FRAMES):
        x, y, angle, growth = np.sin(2 * np.pi * np.array((0.5, 0.35, 0.4, 0.3)) * i / RATE + phases)
        matrix = rotation_about(
            center, _ROTATION * angle, 1 + _GROWTH * growth, _SHIFT * size * np.array((x, y))
        )
        moved = move(patch, matrix)
        noisy = moved.image + _NOISE * rng.standard_normal(moved.image.shape, np.float32)
        image = np.round(np.clip(noisy, 0, 255)).astype(np.uint8)
        frames.append(Patch(image, moved.points, moved.box))
    return frames


def wobbling_boxes(frames: Sequence[Patch], seed: int) -> NDArray[np.float64]:
    """What a detector would find in each frame: the true box with every side off a little, (T, 4)."""
    boxes = np.stack([frame.box for frame in frames])
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + size * _BOX_WOBBLE * np.random.default_rng([seed, 1]).standard_normal(boxes.shape)


@dataclass(frozen=True, slots=True)
class Condition:
    """The figures of one condition, as columns of a `RobustnessRow`."""

    kind: str
    severity: float
    nme: float
    fr8: float | None = None
    wobble: float | None = None
    lost: float | None = None


class _KnownBoxes(threading.local):
    """A detector that returns the box it was given, one a frame; every thread has its own."""

    def __init__(self) -> None:
        self.box: NDArray = np.zeros(4)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        return Detections(self.box[None].astype(np.float32), np.ones(1, np.float32))


def jitter(
    candidates: Sequence[Candidate], patches: Sequence[Patch], cap: float
) -> dict[str, list[Condition]]:
    """By candidate, the figures for single frames, and for the tracker where it has a file."""
    predictors = {c.name: c.open() for c in candidates}
    known = _KnownBoxes()
    landmarkers = {
        c.name: Landmarker(c.path, c.provider, c.threads, known) for c in candidates if c.path is not None
    }

    def watch(item: tuple[int, Patch]) -> dict[tuple[str, str], tuple[float, float, float]]:
        """Error, wobble and share of lost frames of one video, by candidate and kind of row."""
        seed, patch = item
        frames = video(patch, seed)
        boxes = wobbling_boxes(frames, seed)
        truth = np.stack([frame.points for frame in frames])
        figures = {}
        for candidate in candidates:
            name, size = candidate.name, patch.normalizer(candidate.scheme)
            predict = predictors[name].predict
            single = [predict(f.image, box[None])[0] for f, box in zip(frames, boxes, strict=True)]
            figures[name, "jitter"] = _figures(np.stack(single), truth, size, cap)
            if name in landmarkers:
                smooth = _tracked(landmarkers[name], known, frames, boxes)
                figures[name, "jitter smoothed"] = _figures(smooth, truth, size, cap)
        return figures

    videos = on_all_cores(watch, list(enumerate(patches)), "jitter", "video")
    conditions: dict[str, list[Condition]] = {name: [] for name in predictors}
    for name, kind in videos[0] if videos else ():
        errors, wobbles, losses = np.transpose([figures[name, kind] for figures in videos])
        lost = float(losses.mean())
        # A face that is mostly lost has too few frames for a wobble.
        wobble = float(np.nanmean(wobbles)) if lost < _MOST_LOST else None
        conditions[name].append(Condition(kind, 0.0, float(errors.mean()), None, wobble, lost))
    return conditions


def _tracked(landmarker: Landmarker, known: _KnownBoxes, frames: Sequence[Patch], boxes: NDArray) -> NDArray:
    """The tracker's points of every frame, (T, K, 2); NaN where it has lost the face."""
    tracker = Tracker(landmarker)
    points = np.full((len(frames), landmarker.scheme.num_points, 2), np.nan)
    for i, (frame, box) in enumerate(zip(frames, boxes, strict=True)):
        known.box = box
        faces = tracker.step(frame.image, i / RATE)
        if faces:
            points[i] = faces[0].points
    return points


def _figures(points: NDArray, truth: NDArray, size: float, cap: float) -> tuple[float, float, float]:
    """Error and wobble of one video in percent of the normalizer `size`, and the percentage of its frames in
    which the face was lost.

    The wobble is the root mean square of how far a point's error moves from one frame to the next:
    a constant error has none, and neither has following the true path; NaN where no two frames in a row have
    points.
    """
    errors = (points - truth) / size * 100
    nme = np.linalg.norm(errors, axis=-1).mean(axis=1)
    steps = np.diff(errors, axis=0)
    steps = steps[np.isfinite(steps).all(axis=(1, 2))]
    wobble = np.sqrt((steps**2).sum(axis=-1).mean()) if len(steps) else np.nan
    lost = 100 * np.isnan(nme).mean()
    return float(np.minimum(np.nan_to_num(nme, nan=np.inf), cap).mean()), float(wobble), float(lost)
