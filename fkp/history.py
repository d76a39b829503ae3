"""Prediction history: how predictions for a few faces move during training; points, no pictures."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fkp.atomic import write_bytes

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
        """Those of a run's folder; None where there are none, or the file is damaged."""
        try:
            with np.load(folder / NAME) as file:
                return cls(file["epochs"], file["points"], file["truth"])
        except (BadZipFile, EOFError, FileNotFoundError, KeyError, ValueError, zlib.error):
            return None

    def save(self, folder: Path) -> None:
        """Write them into a run's folder, whole or not at all."""
        content = io.BytesIO()
        np.savez(content, epochs=self.epochs, points=self.points, truth=self.truth)
        write_bytes(folder / NAME, content.getvalue())

    def then(self, epoch: int, points: NDArray[np.float32]) -> PredictionHistory:
        """With the points (n, K, 2) of one more epoch, in place of what there was of it and later ones."""
        past = self.epochs < epoch
        epochs = np.append(self.epochs[past], epoch)
        return PredictionHistory(epochs, np.concatenate([self.points[past], points[None]]), self.truth)
