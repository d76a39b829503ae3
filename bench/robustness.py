"""Robustness: errors over the severity of distortions, mirror consistency, and jitter in a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench import distortions as distortions_module
from bench import jitter as jitter_module
from bench.cache import Cache, code_hash
from bench.contenders import Contender
from bench.distortions import DISTORTIONS, SIDE, Patch, cut_patch
from bench.faces import TestSet, spread
from bench.jitter import jitter_rows
from fkp import metrics
from fkp.datasets import as_scheme
from fkp.geometry import mirror_points
from fkp.images import load_image
from fkp.schemes import Scheme, get_scheme

CAP = 25.0  # percent: worse than this is lost, whether by a little or by far
FACES = 48
_FACES_PER_VIDEO = 6  # every sixth face is made a video
_CODE_FILES = (__file__, str(distortions_module.__file__), str(jitter_module.__file__))

# For each scheme the data sets that it is tried on, the first one that is there.
PREFERRED: Mapping[str, tuple[str, ...]] = {
    "ibug68": ("300w-common", "ytf-test"),
    "imm58": ("imm-val",),
    "nose1": ("imm-val", "300w-common", "ytf-test"),
}


def measure(
    contenders: Sequence[Contender], test_set: TestSet, scheme: str, cache: Cache
) -> dict[str, list[dict[str, Any]]]:
    """Rows by contender; all of the contenders predict points of `scheme`."""
    keys = {c.name: _key(c, test_set) for c in contenders}
    known = {name: rows for name, key in keys.items() if (rows := cache.load(key)) is not None}
    fresh = [c for c in contenders if c.name not in known]
    if fresh:
        faces = spread(test_set.faces, FACES)
        patches = [cut_patch(as_scheme(face, scheme), load_image(face.image)) for face in faces]
        curves = _curves(fresh, patches, get_scheme(scheme), test_set.name)
        videos = jitter_rows(fresh, spread(patches, -(-len(patches) // _FACES_PER_VIDEO)), CAP)
        for contender in fresh:
            names = {
                "model": contender.name,
                "sha256": contender.sha256,
                "provider": contender.provider,
                "dataset": test_set.name,
                "scheme": scheme,
                "faces": len(patches),
            }
            known[contender.name] = [names | row for row in curves[contender.name] + videos[contender.name]]
            cache.store(keys[contender.name], known[contender.name])
    return known


def _key(contender: Contender, test_set: TestSet) -> dict[str, Any]:
    return {
        "part": "robustness",
        "model": [contender.name, contender.sha256, contender.provider],
        "dataset": [test_set.name, test_set.fingerprint, test_set.limit],
        "code": code_hash(*_CODE_FILES),
    }


def _curves(
    contenders: Sequence[Contender], patches: Sequence[Patch], scheme: Scheme, dataset: str
) -> dict[str, list[dict[str, Any]]]:
    predictors = {c.name: c.open() for c in contenders}
    conditions = [("clean", 0.0)] + [(kind, s) for kind, d in DISTORTIONS.items() for s in d.severities]
    faces = len(patches)
    errors = {name: np.empty((len(conditions), faces)) for name in predictors}
    mirror = {name: np.empty(faces) for name in predictors}
    for i, patch in enumerate(tqdm(patches, desc=f"robustness on {dataset}", unit="face")):
        size = patch.normaliser(scheme)
        for j, (kind, severity) in enumerate(conditions):
            seen = distort(patch, kind, severity, seed=i)
            for name, predictor in predictors.items():
                points = predictor.predict(seen.image, seen.box[None])
                errors[name][j, i] = _nme(points, seen.points[None], size)
        for name, predictor in predictors.items():
            mirror[name][i] = _mirror_difference(predictor, patch, scheme) / size * 100
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in predictors:
        rows[name] = [
            {"kind": kind, "severity": severity} | figures(nme)
            for (kind, severity), nme in zip(conditions, errors[name], strict=True)
        ]
        rows[name] += [
            {"kind": "mirror", "severity": 0.0} | figures(mirror[name]),
            {"kind": "summary", "severity": 0.0, "nme": summary(rows[name])},
        ]
    return rows


def distort(patch: Patch, kind: str, severity: float, seed: int) -> Patch:
    """A patch under one condition; the same face goes the same way in every severity and every run."""
    if kind == "clean":
        return patch
    rng = np.random.default_rng([seed, *kind.encode()])
    return DISTORTIONS[kind].apply(patch, severity, rng)


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
