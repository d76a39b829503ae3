"""Face detectors: how many faces they find, how many boxes are false, and how long they take."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import host
from bench.cache import Cache, cache_key, cached
from bench.detectors import DetectorCandidate
from bench.faces import spread
from bench.parallel import PerThread, on_all_cores
from bench.rows import DetectionRow
from bench.tasks.scenes import MakeScene, SceneSet
from bench.timing import Clock, interleaved_times, statistics, stopwatch
from fkp.geometry import box_iou
from fkp.runtime.detectors import Detector

PROTOCOL = 1  # increase when the figures of the same files change
LOOSE, STRICT = 0.35, 0.5  # a face counts as found from this IoU with the true box on
_TIMED_PICTURES, _ROUNDS = 40, 3


@dataclass(frozen=True, slots=True)
class FoundFace:
    """One true face: its picture's id, and the box (x0, y0, x1, y1) that overlaps it most, if any does."""

    id: str
    iou: float
    box: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one detector finds in one set of pictures."""

    row: DetectionRow
    faces: list[FoundFace]


def measure(detectors: Sequence[DetectorCandidate], scene_set: SceneSet, cache: Cache) -> dict[str, Measured]:
    """The figures of each detector, by its name.

    The pictures are made once for all detectors that are measured anew.
    """
    by_name = {detector.name: detector for detector in detectors}
    scenes = scene_set.identity
    keys = {
        d.name: cache_key("detection", PROTOCOL, model=[d.name, d.sha256], scenes=scenes) for d in detectors
    }

    def measure_fresh(names: list[str]) -> dict[str, Measured]:
        fresh = [by_name[name] for name in names]
        pictures = _search(fresh, scene_set)
        return {d.name: _summary(d, scene_set, [found[d.name] for found in pictures]) for d in fresh}

    return cached(cache, keys, _decode, measure_fresh)


def _decode(value: Mapping[str, Any]) -> Measured:
    faces = [FoundFace(f["id"], f["iou"], f["box"] and tuple(f["box"])) for f in value["faces"]]
    return Measured(DetectionRow(**value["row"]), faces)


def _search(
    detectors: Sequence[DetectorCandidate], scene_set: SceneSet
) -> list[dict[str, tuple[list[FoundFace], int]]]:
    """Per picture and detector: the faces with their best boxes, and the number of false ones."""
    opened = PerThread(lambda: {detector.name: detector.open() for detector in detectors})

    def search(make: MakeScene) -> dict[str, tuple[list[FoundFace], int]]:
        scene = make()
        return {
            name: _judge(scene.id, detector.detect(scene.image).boxes, scene.boxes)
            for name, detector in opened.value.items()
        }

    return on_all_cores(search, scene_set.scenes(), f"detecting: {scene_set.title}", "picture")


def _judge(name: str, found: NDArray, true: NDArray) -> tuple[list[FoundFace], int]:
    overlaps = box_iou(true, found)
    faces = []
    for i, row in enumerate(overlaps):
        own = name if len(true) == 1 else f"{name} {i}"
        if row.size:
            x0, y0, x1, y1 = found[row.argmax()].tolist()
            faces.append(FoundFace(own, float(row.max()), (x0, y0, x1, y1)))
        else:
            faces.append(FoundFace(own, 0.0, None))
    return faces, count_false(overlaps)


def count_false(overlaps: NDArray) -> int:
    """The found boxes that stand for no true one.

    Args:
        overlaps: (N, M) IoU of N true boxes with M found ones, by falling score. Each of these takes
            the free true box that it covers best, by `LOOSE` at least; a second box on a face is false.
    """
    free = np.ones(len(overlaps), bool)
    false = 0
    for column in overlaps.T:
        candidates = np.where(free, column, 0)
        if candidates.size and candidates.max() >= LOOSE:
            free[candidates.argmax()] = False
        else:
            false += 1
    return false


def _summary(
    detector: DetectorCandidate, scene_set: SceneSet, pictures: Sequence[tuple[list[FoundFace], int]]
) -> Measured:
    faces = [face for found, _ in pictures for face in found]
    overlaps = np.array([face.iou for face in faces])
    row = DetectionRow(
        model=detector.name,
        sha256=detector.sha256,
        provider=detector.provider,
        dataset=scene_set.name,
        pictures=len(pictures),
        faces=len(faces),
        recall35=_share(overlaps >= LOOSE),
        recall50=_share(overlaps >= STRICT),
        iou=float(overlaps[overlaps >= LOOSE].mean()) if (overlaps >= LOOSE).any() else None,
        false_boxes=sum(false for _, false in pictures) / len(pictures) if scene_set.complete else None,
    )
    return Measured(row, faces)


def _share(found: NDArray) -> float | None:
    return float(found.mean() * 100) if found.size else None


def with_times(
    rows: Sequence[DetectionRow],
    detectors: Sequence[DetectorCandidate],
    scene_sets: Sequence[SceneSet],
    quick: bool,
    cache: Cache,
) -> list[DetectionRow]:
    """The rows with milliseconds per picture on one core, for the sets that are timed.

    The detectors alternate on the same pictures, so that a busy moment hits all of them alike; so they are
    measured again together when one of them changes.
    """
    timed = [scene_set for scene_set in scene_sets if scene_set.timed]
    key = cache_key(
        "detection time",
        PROTOCOL,
        models=[[d.name, d.sha256] for d in detectors],
        scenes=[s.identity for s in timed],
        host=[host.host_kind(), host.versions()],
        quick=quick,
    )
    # A set's times by its name: a list with the times of each detector, as fields of a row.
    values: dict[str, dict[str, list[dict[str, Any]]]]
    values = cached(cache, {"all": key}, dict, lambda _: {"all": _time(detectors, timed, quick)})
    order = {detector.name: i for i, detector in enumerate(detectors)}
    return [
        replace(row, **values["all"][row.dataset][order[row.model]]) if row.dataset in values["all"] else row
        for row in rows
    ]


def _time(
    detectors: Sequence[DetectorCandidate], scene_sets: Sequence[SceneSet], quick: bool
) -> dict[str, list[dict[str, Any]]]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    opened = [detector.open() for detector in detectors]
    rounds = 1 if quick else _ROUNDS
    times = {}
    for scene_set in scene_sets:
        images = [make().image for make in spread(scene_set.scenes(), 5 if quick else _TIMED_PICTURES)]
        for detector in opened:
            detector.detect(images[0])
        clocks = [_clock(detector, images, rounds) for detector in opened]
        taken = interleaved_times(clocks, len(images) * rounds, 1, f"timing: {scene_set.title}")
        times[scene_set.name] = [
            {"ms": s.median_ms, "p90_ms": s.p90_ms, "runs": s.runs, "load": s.load} | host.facts()
            for s in map(statistics, taken)
        ]
    cv2.setNumThreads(threads)
    return times


def _clock(detector: Detector, images: Sequence[NDArray[np.uint8]], rounds: int) -> Clock:
    """Time a detector on one picture after the other, each `rounds` times."""
    queue = itertools.chain.from_iterable(itertools.repeat(image, rounds) for image in images)
    return stopwatch(lambda: detector.detect(next(queue)))
