"""The fitted heads as they are seen in pictures."""

from __future__ import annotations

import numpy as np

from fkp.head_model import rotations
from fkp.runtime.pose import load_heads


def view(scheme: str, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """The scheme's head, projected; angles in degrees."""
    turn = rotations(np.radians([[yaw, pitch, roll]]))[0]
    return 60 * load_heads()[scheme].mean @ turn[:2].T + (120, 140)
