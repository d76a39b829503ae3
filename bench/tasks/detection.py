"""Face detectors: how many faces they find, how many they make up, and how long they take."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench import host
from bench.cache import Cache, code_hash
from bench.detectors import DetectorCandidate
from bench.faces import spread
from bench.parallel import PerThread, on_all_cores
from bench.tasks.scenes import MakeScene, SceneSet
from fkp.geometry import box_iou

LOOSE, STRICT = 0.35, 0.5  # IoU with the true box from which on a face counts as found
_TIMED_PICTURES, _ROUNDS = 40, 3

Measured = dict[str, Any]


def measure(
    candidates: Sequence[DetectorCandidate], scene_set: SceneSet, cache: Cache
) -> dict[str, Measured]:
    """By the candidate's name: its `row` of figures, and its `faces` with their best boxes.

    The pictures are made once for all candidates that are measured anew.
    """
    keys = {f.name: _key(f, scene_set) for f in candidates}
    known = {name: value for name, key in keys.items() if (value := cache.load(key)) is not None}
    fresh = [f for f in candidates if f.name not in known]
    if fresh:
        searched = _search(fresh, scene_set)
        for candidate in fresh:
            known[candidate.name] = _summary(
                candidate, scene_set, [answers[candidate.name] for answers in searched]
            )
            cache.store(keys[candidate.name], known[candidate.name])
    return {f.name: known[f.name] for f in candidates}


def _key(candidate: DetectorCandidate, scene_set: SceneSet) -> dict[str, Any]:
    return {
        "part": "detect",
        "model": [candidate.name, candidate.sha256],
        "scenes": [scene_set.name, scene_set.fingerprint, scene_set.limit],
        "code": code_hash(__file__, without="runtime"),  # the candidate's hash knows its own code
    }


def _search(candidates: Sequence[DetectorCandidate], scene_set: SceneSet) -> list[dict[str, Measured]]:
    """Per picture and candidate: the faces with their best boxes, and the number of false ones."""
    detectors = PerThread(lambda: {candidate.name: candidate.open() for candidate in candidates})

    def search(make: MakeScene) -> dict[str, Measured]:
        scene = make()
        return {
            name: _judge(scene.id, detector.detect(scene.image).boxes, scene.boxes)
            for name, detector in detectors.value.items()
        }

    return on_all_cores(search, scene_set.scenes(), f"detecting: {scene_set.title}", "picture")


def _judge(name: str, found: NDArray, true: NDArray) -> Measured:
    overlaps = box_iou(true, found)
    faces = []
    for i, row in enumerate(overlaps):
        best = int(row.argmax()) if row.size else None
        faces.append(
            {
                "id": name if len(true) == 1 else f"{name} {i}",
                "iou": float(row[best]) if best is not None else 0.0,
                "box": found[best].tolist() if best is not None else None,
            }
        )
    return {"faces": faces, "false": count_false(overlaps)}


def count_false(overlaps: NDArray) -> int:
    """The found boxes that stand for no true one.

    Args:
        overlaps: (N, M) IoU of N true boxes with M found ones, the surest first. Each of these takes
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


def _summary(candidate: DetectorCandidate, scene_set: SceneSet, answers: Sequence[Measured]) -> Measured:
    faces = [face for answer in answers for face in answer["faces"]]
    overlaps = np.array([face["iou"] for face in faces])
    row: dict[str, Any] = {
        "model": candidate.name,
        "sha256": candidate.sha256,
        "provider": candidate.provider,
        "dataset": scene_set.name,
        "pictures": len(answers),
        "faces": len(faces),
        "recall35": _share(overlaps >= LOOSE),
        "recall50": _share(overlaps >= STRICT),
        "iou": float(overlaps[overlaps >= LOOSE].mean()) if (overlaps >= LOOSE).any() else None,
        "false_boxes": sum(a["false"] for a in answers) / len(answers) if scene_set.complete else None,
    }
    return {"row": row, "faces": faces}


def _share(found: NDArray) -> float | None:
    return float(found.mean() * 100) if found.size else None


def measure_times(
    candidates: Sequence[DetectorCandidate], scene_sets: Sequence[SceneSet], quick: bool, cache: Cache
) -> Mapping[tuple[str, str], dict[str, Any]]:
    """Milliseconds per picture on one core, by candidate and set, for the sets that are timed.

    All candidates search the same pictures in turns, so that a busy moment hits all of them alike; so
    they are measured again together when one of them changes.
    """
    timed = [scene_set for scene_set in scene_sets if scene_set.timed]
    key = {
        "part": "detection time",
        "models": [[f.name, f.sha256] for f in candidates],
        "scenes": [[s.name, s.fingerprint, s.limit] for s in timed],
        "host": [host.host_kind(), host.versions(), cv2.__version__],
        "quick": quick,
        "code": code_hash(__file__, without="runtime"),
    }
    rows = cache.load(key)
    if rows is None:
        rows = _time(candidates, timed, quick)
        cache.store(key, rows)
    return {(row["model"], row["dataset"]): row["times"] for row in rows}


def _time(
    candidates: Sequence[DetectorCandidate], scene_sets: Sequence[SceneSet], quick: bool
) -> list[dict[str, Any]]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    detectors = [(candidate, candidate.open()) for candidate in candidates]
    rows = []
    for scene_set in scene_sets:
        images = [make().image for make in spread(scene_set.scenes(), 5 if quick else _TIMED_PICTURES)]
        times: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
        for _, detector in detectors:
            detector.detect(images[0])
        turns = [image for image in images for _ in range(1 if quick else _ROUNDS)]
        for i, image in enumerate(tqdm(turns, desc=f"timing: {scene_set.title}", unit="picture")):
            first = i % len(detectors)
            for candidate, detector in detectors[first:] + detectors[:first]:
                start = time.perf_counter()
                detector.detect(image)
                times[candidate.name].append((time.perf_counter() - start) * 1000)
        for name, values in times.items():
            median, p90 = np.percentile(values, (50, 90))
            figures = {"ms": float(median), "p90_ms": float(p90), "runs": len(values), "load": host.load()}
            rows.append({"model": name, "dataset": scene_set.name, "times": figures | host.facts()})
    cv2.setNumThreads(threads)
    return rows
