"""Mean shapes of faces, and their principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
