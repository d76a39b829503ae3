"""Robustness: errors over the severity of distortions, mirror consistency, and jitter in a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, code_hash
from bench.candidates import Candidate
from bench.faces import TestSet, spread
from bench.parallel import on_all_cores
from bench.tasks.distortions import DISTORTIONS, SIDE, Patch, cut_patch, distort
from bench.tasks.jitter import jitter_rows
from fkp import metrics
from fkp.datasets import as_scheme
from fkp.geometry import mirror_points
from fkp.images import load_image
from fkp.schemes import Scheme, get_scheme

CAP = 25.0  # percent: worse than this is lost, whether by a little or by far
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
) -> dict[str, list[dict[str, Any]]]:
    """Rows by candidate over `count` faces of a data set; all candidates predict points of `scheme`."""
    keys = {c.name: _key(c, test_set, count) for c in candidates}
    known = {name: rows for name, key in keys.items() if (rows := cache.load(key)) is not None}
    fresh = [c for c in candidates if c.name not in known]
    if fresh:
        faces = spread(test_set.faces, count)
        patches = [cut_patch(as_scheme(face, scheme), load_image(face.image)) for face in faces]
        curves = _curves(fresh, patches, get_scheme(scheme), test_set.name)
        videos = jitter_rows(fresh, spread(patches, -(-len(patches) // _FACES_PER_VIDEO)), CAP)
        for candidate in fresh:
            names = candidate.names | {"dataset": test_set.name, "scheme": scheme, "faces": len(patches)}
            known[candidate.name] = [names | row for row in curves[candidate.name] + videos[candidate.name]]
            cache.store(keys[candidate.name], known[candidate.name])
    return known


def _key(candidate: Candidate, test_set: TestSet, count: int) -> dict[str, Any]:
    return {
        "part": "robustness",
        "model": candidate.identity,
        "dataset": [test_set.name, test_set.fingerprint, test_set.limit, count],
        "code": code_hash(__file__),
    }


def _curves(
    candidates: Sequence[Candidate], patches: Sequence[Patch], scheme: Scheme, dataset: str
) -> dict[str, list[dict[str, Any]]]:
    predictors = {c.name: c.open() for c in candidates}
    conditions = [("clean", 0.0)] + [(kind, s) for kind, d in DISTORTIONS.items() for s in d.severities]

    def suffer(item: tuple[int, Patch]) -> NDArray:
        """One face's NME under all conditions, then its mirror difference, by candidate: (M, C + 1)."""
        seed, patch = item
        size = patch.normalizer(scheme)
        errors = np.empty((len(predictors), len(conditions) + 1))
        for j, (kind, severity) in enumerate(conditions):
            seen = distort(patch, kind, severity, seed)
            for row, predictor in zip(errors, predictors.values(), strict=True):
                row[j] = _nme(predictor.predict(seen.image, seen.box[None]), seen.points[None], size)
        for row, predictor in zip(errors, predictors.values(), strict=True):
            row[-1] = _mirror_difference(predictor, patch, scheme) / size * 100
        return errors

    faces = on_all_cores(suffer, list(enumerate(patches)), f"robustness on {dataset}", "face")
    errors = dict(zip(predictors, np.stack(faces, axis=-1), strict=True))
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in predictors:
        rows[name] = [
            {"kind": kind, "severity": severity} | figures(nme)
            for (kind, severity), nme in zip(conditions, errors[name][:-1], strict=True)
        ]
        rows[name] += [
            {"kind": "mirror", "severity": 0.0} | figures(errors[name][-1]),
            {"kind": "summary", "severity": 0.0, "nme": summary(rows[name])},
        ]
    return rows


def _nme(points: NDArray, truth: NDArray, size: float) -> float:
    return float(metrics.nme(metrics.point_distance(points, truth), [size])[0])


def _mirror_difference(predictor: Any, patch: Patch, scheme: Scheme) -> float:
    """Mean distance in pixels between the points of a face and those of its mirror image, mirrored back."""
    straight = predictor.predict(patch.image, patch.box[None])
    x0, y0, x1, y1 = patch.box
    box = np.array([[SIDE - 1 - x1, y0, SIDE - 1 - x0, y1]])
    mirrored = predictor.predict(np.ascontiguousarray(cv2.flip(patch.image, 1)), box)
    back = mirror_points(mirrored, SIDE, scheme.mirror)
    distance = float(np.linalg.norm(straight - back, axis=-1).mean())
    return distance if np.isfinite(distance) else np.inf


def figures(nme: NDArray) -> dict[str, Any]:
    """The columns of one condition: the mean NME, each face's capped, and the share of failures."""
    return {"nme": float(np.minimum(nme, CAP).mean()), "fr8": metrics.failure_rate(nme)}


def summary(rows: Sequence[Mapping[str, Any]]) -> float:
    """The robustness figure: the mean capped NME over severities, then over kinds; lower is better."""
    kinds = [[row["nme"] for row in rows if row["kind"] == kind] for kind in DISTORTIONS]
    return float(np.mean([np.mean(values) for values in kinds]))
