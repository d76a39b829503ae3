"""The shapes of a data set's faces: their mean, and the principal components of what varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fkp.datasets.sample import Sample
from fkp.geometry import crop_transform, to_unit, transform_points

_SIDE = (256, 256)  # of the square crop in which shapes are compared


def unit_shapes(
    samples: Sequence[Sample], margin: float = 1.0, size: tuple[int, int] = _SIDE
) -> NDArray[np.float64]:
    """The faces' points in the unit frame of crops around their boxes: (N, K, 2).

    Args:
        margin, size: of the crops, see `crop_transform`; of the size (H, W) only the proportions matter.

    Raises:
        ValueError: there are no faces, or one has no points.
    """
    if not samples or any(sample.points is None for sample in samples):
        raise ValueError("shapes need faces, each with its points")
    points, boxes = np.stack([np.asarray(s.points) for s in samples]), [s.box for s in samples]
    return unit_points(points, boxes, margin, size)


def unit_points(
    points: NDArray, boxes: Sequence[NDArray], margin: float = 1.0, size: tuple[int, int] = _SIDE
) -> NDArray[np.float64]:
    """As `unit_shapes`, for points (N, K, 2), image frame, and the boxes (N, 4) of their faces."""
    matrices = [crop_transform(box, size, margin) for box in boxes]
    return np.stack(
        [to_unit(transform_points(m, shape), size) for m, shape in zip(matrices, points, strict=True)]
    )


@dataclass(frozen=True, slots=True, eq=False)
class ShapeModel:
    """A mean shape and orthonormal modes around it (Cootes et al., "Active Shape Models", 1995).

    Attributes:
        mean: (K, 2), in the frame of the shapes it was fitted to.
        modes: (C, K, 2), the mode of the largest variance first.
        variances: (C,) of the shapes along each mode.
        shares: (C,) of the total variance, 0 to 1.
    """

    mean: NDArray[np.float64]
    modes: NDArray[np.float64]
    variances: NDArray[np.float64]
    shares: NDArray[np.float64]

    @classmethod
    def fit(cls, shapes: ArrayLike, components: int) -> ShapeModel:
        """The principal components of shapes (N, K, 2); at most N and 2 K of them.

        A mode's sign is chosen so that its largest coordinate is positive, the same on every machine.
        """
        shapes = np.asarray(shapes, np.float64)
        mean = shapes.mean(axis=0)
        _, values, modes = np.linalg.svd((shapes - mean).reshape(len(shapes), -1), full_matrices=False)
        modes *= np.sign(np.take_along_axis(modes, np.abs(modes).argmax(axis=1)[:, None], axis=1))
        variances = values**2 / max(1, len(shapes) - 1)
        shares = variances / max(float(variances.sum()), 1e-300)
        kept = slice(0, components)
        return cls(mean, modes[kept].reshape(-1, *mean.shape), variances[kept], shares[kept])

    def weights(self, shapes: ArrayLike) -> NDArray[np.float64]:
        """How much of each mode shapes (N, K, 2) hold: (N, C)."""
        return np.einsum("nkd,ckd->nc", np.asarray(shapes, np.float64) - self.mean, self.modes)

    def shapes(self, weights: ArrayLike) -> NDArray[np.float64]:
        """The shapes (N, K, 2) of weights (N, C)."""
        return self.mean + np.einsum("nc,ckd->nkd", np.asarray(weights, np.float64), self.modes)
