"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from fkp import geometry
from fkp.schemes import get_scheme
from fkp.training.crops import CropDataset
from fkp.training.evaluate import Evaluation

TRUTH, PREDICTION = "#2ca02c", "#d62728"


def plot_curves(history: Sequence[dict[str, float]], title: str, path: Path) -> None:
    """Training and validation loss, and the validation NME, over the epochs."""
    epochs = [row["epoch"] for row in history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    left.plot(epochs, [row["train_loss"] for row in history], label="training (varied crops)")
    left.plot(epochs, [row["val_loss"] for row in history], label="validation (plain crops)")
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    left.legend(frameon=False)
    values = [row["val_nme"] for row in history]
    right.plot(epochs, values, color=PREDICTION)
    right.set(xlabel="epoch", ylabel="validation NME, %", ylim=(0, 2.5 * float(np.median(values))))
    best = int(np.argmin(values))
    right.annotate(f"best {values[best]:.2f}", (epochs[best], values[best]), (0, 18),
                   textcoords="offset points", ha="center", arrowprops={"arrowstyle": "-"})  # fmt: skip
    for axes in (left, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_cases(dataset: CropDataset, evaluation: Evaluation, path: Path, each: int = 4) -> None:
    """The best, the median and the worst validation faces, truth in green, prediction in red.

    These are other people's faces, which must not be published.
    """
    order = np.argsort(evaluation.face_nme)
    middle = max(0, len(order) // 2 - each // 2)
    rows = {"best": order[:each], "median": order[middle : middle + each], "worst": order[-each:][::-1]}
    height, width = dataset.recipe.input_size
    figsize = (2.4 * each, 3 * (2.4 * height / width + 0.3))
    figure, grid = plt.subplots(3, each, figsize=figsize, layout="constrained", squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for row, (name, faces) in zip(grid, rows.items(), strict=True):
        for axes, index in zip(row, faces, strict=False):
            _draw_case(axes, dataset, evaluation, int(index), name)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_case(axes: Axes, dataset: CropDataset, evaluation: Evaluation, index: int, name: str) -> None:
    recipe = dataset.recipe
    crop, unit = dataset[0, index]
    axes.imshow(crop)
    for points, color in (
        (geometry.from_unit(unit, recipe.input_size), TRUTH),
        (evaluation.points[index], PREDICTION),
    ):
        axes.scatter(points[:, 0], points[:, 1], s=5, c=color)
        for outline in get_scheme(recipe.scheme).outlines:
            line = points[list(outline.points) + [outline.points[0]] * outline.closed]
            axes.plot(line[:, 0], line[:, 1], c=color, lw=0.7)
    axes.set_title(f"{name}: {evaluation.face_nme[index]:.1f} %", fontsize=9)
