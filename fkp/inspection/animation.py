"""An animation of a training: the points that a network predicts after each epoch, without the faces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fkp.history import PredictionHistory
from fkp.inspection.rendering import BLUE, GRAY, Picture, Sketch, captioned, grid, sketch

_MOST_FRAMES = 48
_COLUMNS = 3
_FRAME_MS, _LAST_MS = 120, 2500
_COLORS = 16
_ROOM = 1.15  # how much wider than the true faces the view is


def frames(history: PredictionHistory, scheme: str, faces: int = 6, side: int = 150) -> list[Picture]:
    """One picture an epoch: the faces side by side, truth in gray, prediction in blue.

    Where there are many epochs, the early ones, in which more happens, are shown more closely.

    Args:
        history: of a run.
        scheme: of its points.
        faces: at most so many of its faces.
        side: of one face, in pixels.
    """
    epochs, truth, points = history.epochs, history.truth[:faces], history.points[:, :faces]
    last = len(epochs) - 1
    picked = np.arange(last + 1)
    if last >= _MOST_FRAMES:
        picked = np.unique((np.linspace(0, 1, _MOST_FRAMES) ** 2 * last).round().astype(int))
    low, high = truth.min(axis=(0, 1)), truth.max(axis=(0, 1))
    center, span = (low + high) / 2, (high - low).max() * _ROOM

    def view(shape: NDArray) -> NDArray:
        return (shape - center) / span + 0.5

    pictures = []
    for i in picked:
        tiles = [
            sketch([Sketch(view(true), GRAY), Sketch(view(found), BLUE)], scheme, (side, side))
            for true, found in zip(truth, points[i], strict=True)
        ]
        title = "at the start" if epochs[i] == 0 else f"after epoch {epochs[i]} of {epochs[last]}"
        pictures.append(captioned(grid(tiles, _COLUMNS), title))
    return pictures


def save_gif(pictures: Sequence[Picture], path: Path) -> Path:
    """An endless GIF that rests on its last picture; all of one palette, so that it stays small."""
    palette = Image.fromarray(np.concatenate([pictures[0], pictures[-1]])).quantize(_COLORS)
    images = [Image.fromarray(p).quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    path.parent.mkdir(parents=True, exist_ok=True)
    images[0].save(
        path, save_all=True, append_images=images[1:], loop=0, optimize=True,
        duration=[_FRAME_MS] * (len(images) - 1) + [_LAST_MS],
    )  # fmt: skip
    return path
