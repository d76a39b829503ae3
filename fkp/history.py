"""How predictions for a few faces move while a network trains, as a file of its run: points, no pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NAME = "dynamics.npz"


@dataclass(frozen=True, slots=True, eq=False)
class PredictionHistory:
    """Predictions over training, points in the unit frame.

    Attributes:
        epochs: (E,) how many epochs the weights had seen; 0 is before training.
        points: (E, n, K, 2) predicted.
        truth: (n, K, 2).
    """

    epochs: NDArray[np.int64]
    points: NDArray[np.float32]
    truth: NDArray[np.float32]

    @classmethod
    def load(cls, folder: Path) -> PredictionHistory | None:
        """Those of a run's folder; None where there are none."""
        if not (folder / NAME).is_file():
            return None
        with np.load(folder / NAME) as file:
            return cls(file["epochs"], file["points"], file["truth"])

    def save(self, folder: Path) -> None:
        """Write them into a run's folder, all or nothing."""
        part = folder / f"{NAME}.{os.getpid()}.part"
        with part.open("wb") as file:
            np.savez(file, epochs=self.epochs, points=self.points, truth=self.truth)
        part.replace(folder / NAME)

    def then(self, epoch: int, points: NDArray[np.float32]) -> PredictionHistory:
        """With the points (n, K, 2) of one more epoch, in place of what there was of it and later ones."""
        past = self.epochs < epoch
        epochs = np.append(self.epochs[past], epoch)
        return PredictionHistory(epochs, np.concatenate([self.points[past], points[None]]), self.truth)
