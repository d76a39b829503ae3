"""Robustness: errors over the severity of distortions, mirror consistency, and jitter in a video."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, cache_key, cached
from bench.candidates import Candidate, Predictor
from bench.faces import TestSet, spread
from bench.parallel import on_all_cores
from bench.rows import RobustnessRow
from bench.tasks.distortions import DISTORTIONS, SIDE, Patch, cut_patch, distort
from bench.tasks.jitter import Condition, jitter
from fkp import metrics
from fkp.datasets import as_scheme
from fkp.geometry import mirror_points
from fkp.images import load_image
from fkp.schemes import Scheme, get_scheme

PROTOCOL = 1  # increase when the figures of the same files change
CAP = 25.0  # percent: a face with a larger NME is lost, and counts as this much
FACES = 48
_FACES_PER_VIDEO = 6  # every sixth face is made a video

# For each scheme the data sets that it is tried on, the first one that is there.
PREFERRED: Mapping[str, tuple[str, ...]] = {
    "ibug68": ("300w-common", "ytf-test"),
    "imm58": ("imm-val",),
    "nose1": ("imm-val", "300w-common", "ytf-test"),
}


def measure(
    candidates: Sequence[Candidate], test_set: TestSet, scheme: str, count: int, cache: Cache
) -> dict[str, list[RobustnessRow]]:
    """Rows by candidate over `count` faces of a data set; all candidates predict points of `scheme`."""
    by_name = {candidate.name: candidate for candidate in candidates}
    data = [*test_set.identity, count]
    keys = {c.name: cache_key("robustness", PROTOCOL, model=c.names, dataset=data) for c in candidates}

    def measure_fresh(names: list[str]) -> dict[str, list[RobustnessRow]]:
        fresh = [by_name[name] for name in names]
        faces = spread(test_set.faces, count)
        patches = [cut_patch(as_scheme(face, scheme), load_image(face.image)) for face in faces]
        conditions = _curves(fresh, patches, get_scheme(scheme), test_set.name)
        videos = jitter(fresh, spread(patches, -(-len(patches) // _FACES_PER_VIDEO)), CAP)
        setting: dict[str, Any] = {"dataset": test_set.name, "scheme": scheme, "faces": len(patches)}
        return {
            c.name: [
                RobustnessRow(**c.names, **setting, **dataclasses.asdict(condition))
                for condition in conditions[c.name] + videos[c.name]
            ]
            for c in fresh
        }

    return cached(cache, keys, lambda rows: [RobustnessRow(**row) for row in rows], measure_fresh)


def _curves(
    candidates: Sequence[Candidate], patches: Sequence[Patch], scheme: Scheme, dataset: str
) -> dict[str, list[Condition]]:
    predictors = {c.name: c.open() for c in candidates}
    conditions = [("clean", 0.0)] + [(kind, s) for kind, d in DISTORTIONS.items() for s in d.severities]

    def measure_face(item: tuple[int, Patch]) -> NDArray:
        """One face's NME under all conditions, then its mirror difference, by candidate: (M, C + 1)."""
        seed, patch = item
        size = patch.normalizer(scheme)
        errors = np.empty((len(predictors), len(conditions) + 1))
        for j, (kind, severity) in enumerate(conditions):
            distorted = distort(patch, kind, severity, seed)
            for row, predictor in zip(errors, predictors.values(), strict=True):
                row[j] = _nme(
                    predictor.predict(distorted.image, distorted.box[None]), distorted.points[None], size
                )
        for row, predictor in zip(errors, predictors.values(), strict=True):
            row[-1] = _mirror_difference(predictor, patch, scheme) / size * 100
        return errors

    faces = on_all_cores(measure_face, list(enumerate(patches)), f"robustness on {dataset}", "face")
    errors = dict(zip(predictors, np.stack(faces, axis=-1), strict=True))
    curves: dict[str, list[Condition]] = {}
    for name in predictors:
        *by_condition, mirror = errors[name]
        curves[name] = [
            capped(kind, severity, nme)
            for (kind, severity), nme in zip(conditions, by_condition, strict=True)
        ]
        curves[name] += [capped("mirror", 0.0, mirror), Condition("summary", 0.0, summary(curves[name]))]
    return curves


def _nme(points: NDArray, truth: NDArray, size: float) -> float:
    return float(metrics.nme(metrics.point_distance(points, truth), [size])[0])


def _mirror_difference(predictor: Predictor, patch: Patch, scheme: Scheme) -> float:
    """Mean distance in pixels between the points of a face and those of its mirror image, mirrored back."""
    straight = predictor.predict(patch.image, patch.box[None])
    x0, y0, x1, y1 = patch.box
    box = np.array([[SIDE - 1 - x1, y0, SIDE - 1 - x0, y1]])
    mirrored = predictor.predict(np.ascontiguousarray(cv2.flip(patch.image, 1)), box)
    back = mirror_points(mirrored, SIDE, scheme.mirror)
    distance = float(np.linalg.norm(straight - back, axis=-1).mean())
    return distance if np.isfinite(distance) else np.inf


def capped(kind: str, severity: float, nme: NDArray) -> Condition:
    """One condition of faces (N,): the mean NME, each face's capped, and the share of failures."""
    return Condition(kind, severity, float(np.minimum(nme, CAP).mean()), metrics.failure_rate(nme))


def summary(conditions: Sequence[Condition]) -> float:
    """The robustness figure: the mean capped NME over severities, then over kinds; lower is better."""
    kinds = [[condition.nme for condition in conditions if condition.kind == kind] for kind in DISTORTIONS]
    return float(np.mean([np.mean(values) for values in kinds]))
