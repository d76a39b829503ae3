"""From predicted points to the rows of the accuracy tables: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkp import metrics
from fkp.datasets import Sample, as_scheme
from fkp.geometry import box_diagonal
from fkp.schemes import NOSE1, Scheme, get_scheme

CED_THRESHOLDS = np.linspace(0, 10, 41)  # percent


@dataclass(frozen=True, slots=True, eq=False)
class FaceErrors:
    """The errors of N faces with K points.

    Attributes:
        scheme: of the points.
        absolute: (N, K) mean of |dx| and |dy|, pixels; infinite where a face was not found.
        distance: (N, K) Euclidean, pixels.
        normalizer: (N,) pixels.
    """

    scheme: Scheme
    absolute: NDArray
    distance: NDArray
    normalizer: NDArray

    @property
    def nme(self) -> NDArray:
        """(N,) percent."""
        return metrics.nme(self.distance, self.normalizer)


def common_schemes(model: str, dataset: str) -> list[str]:
    """The schemes in which a model's points can be compared with a data set's, the fullest first."""
    return [model, NOSE1.name] if model == dataset != NOSE1.name else [NOSE1.name]


def face_errors(points: NDArray, model: str, faces: Sequence[Sample], scheme: str) -> FaceErrors:
    """Errors of predictions (N, K, 2), made in the scheme `model`, measured in `scheme`."""
    if scheme != model:
        tip = get_scheme(model).nose_tip
        points = points[:, tip : tip + 1]
    truth = np.stack([np.asarray(as_scheme(face, scheme).points) for face in faces])
    corners = get_scheme(scheme).outer_eye_corners
    boxes = np.stack([face.box for face in faces])
    return FaceErrors(
        get_scheme(scheme),
        metrics.point_mae(points, truth),
        metrics.point_distance(points, truth),
        metrics.inter_ocular(truth, corners) if corners else box_diagonal(boxes),
    )


def summarize(errors: FaceErrors) -> dict[str, Any]:
    """The figures of an `AccuracyRow`: means over the faces that were found, and the share of the others."""
    nme = errors.nme
    found = np.isfinite(nme)
    jaw = errors.scheme.regions.get("jaw", ())
    inner = [i for i in range(errors.scheme.num_points) if i not in jaw]
    relative = errors.distance / errors.normalizer[:, None] * 100
    row: dict[str, Any] = {
        "normalizer": errors.scheme.normalizer,
        "faces": len(nme),
        "missed": float((~found).mean() * 100),
        "nme": _mean(nme[found]),
        "nme_median": float(np.median(nme)),
        "fr8": metrics.failure_rate(nme),
        "auc8": metrics.auc(nme),
        "mae": _mean(errors.absolute[found]),
    }
    if jaw:
        row["nme_inner"] = _mean(relative[found][:, inner])
        for name, values in (("mae", errors.absolute), ("nme", relative)):
            row[f"{name}_of"] = metrics.region_means(values, errors.scheme.regions)
    return row


def _mean(values: NDArray) -> float:
    return float(values.mean()) if values.size else float("nan")


def ced_shares(nme: NDArray) -> dict[str, float]:
    """The CED curve: "2.5" -> the share of faces at or below 2.5 %, in percent."""
    shares = metrics.ced(nme, CED_THRESHOLDS) * 100
    return {f"{t:g}": round(float(share), 2) for t, share in zip(CED_THRESHOLDS, shares, strict=True)}
