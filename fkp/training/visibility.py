"""Training of the head that predicts which points are visible, on a frozen network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from fkp.datasets import Sample
from fkp.datasets.sample import VISIBLE
from fkp.errors import RunError
from fkp.large_pose import visibility_figures
from fkp.models import KeypointModel
from fkp.models.heatmap import PyramidSoftArgmax
from fkp.models.visibility import VisibilityHead
from fkp.schemes import get_scheme
from fkp.training.augment import NO_AUGMENTATION, Augmentation
from fkp.training.crops import CropDataset, load_crops
from fkp.training.recipe import Recipe
from fkp.training.run import Run

_BATCH, _PASSES = 128, 20


@dataclasses.dataclass(frozen=True, slots=True)
class Examples:
    """What the head sees of some crops, and what it should say.

    Attributes:
        cells: (N, K, C) features at each point before their projection.
        whole: (N, D), see `Reading.whole`.
        state: (N, K) int8.
    """

    cells: Tensor
    whole: Tensor
    state: NDArray[np.int8]

    @property
    def visible(self) -> Tensor:
        return torch.from_numpy((self.state == VISIBLE).astype(np.float32))


def train_visibility(
    recipe: Recipe, training: Mapping[str, Sequence[Sample]], validation: Sequence[Sample], runs: Path
) -> Run:
    """Train the head of a recipe whose network, all but the head, is that of its `initial`.

    Args:
        recipe: its epochs are the number of varied crops of each face.
        training: data set -> samples with states.
        validation: samples with states, on which the probabilities are calibrated.
        runs: folder of the runs.

    Raises:
        RunError: there is no run of the recipe's `initial`, or a sample has no states.
    """
    if recipe.initial is None:
        raise RunError(f"{recipe.name} has no network to put a head on")
    torch.manual_seed(recipe.config.seed)
    weights = Run(runs / recipe.initial).read_weights(f"train {recipe.initial}")
    model = recipe.build()
    try:
        missing, unknown = model.load_state_dict(weights.model, strict=False)
    except RuntimeError as error:
        raise RunError(f"{recipe.initial} is another network than {recipe.name}") from error
    if unknown or not all(name.startswith("network.visibility.") for name in missing):
        raise RunError(f"{recipe.initial} is another network than {recipe.name}")
    model = model.eval().to(memory_format=torch.channels_last)
    head = model.network.visibility
    assert isinstance(head, VisibilityHead)
    samples = [sample for part in training.values() for sample in part]
    _fit(head, read_features(model, samples, recipe, recipe.augmentation, recipe.config.epochs), recipe)
    seen = read_features(model, list(validation), recipe, NO_AUGMENTATION, 1)
    _calibrate(head, seen)
    for name, value in figures(head, seen).items():
        print(f"{name}: {value:.4f}")
    run = Run(runs / recipe.name)
    run.folder.mkdir(parents=True, exist_ok=True)
    counts = {name: len(part) for name, part in training.items()}
    run.save_weights(
        dataclasses.replace(
            weights, recipe=recipe.to_dict(), model=model.state_dict(), pretrained=recipe.initial,
            training_data=weights.training_data | counts, final=True,
        )
    )  # fmt: skip
    return run


@torch.inference_mode()
def read_features(
    model: KeypointModel, samples: Sequence[Sample], recipe: Recipe, augmentation: Augmentation, times: int
) -> Examples:
    """Show a network each sample so many times, varied; every second time the mirror image."""
    if any(sample.state is None for sample in samples):
        raise RunError("a face does not say which of its points can be seen")
    network = model.network
    assert isinstance(network, PyramidSoftArgmax)
    # The mirror image is made here, since the states must be re-ordered with it.
    dataset = CropDataset(load_crops(samples, recipe), recipe, dataclasses.replace(augmentation, mirror=0))
    order = list(get_scheme(recipe.scheme).mirror)
    network = model.network
    assert isinstance(network, PyramidSoftArgmax)
    cells, wholes, states = [], [], []
    rows = [(epoch, i) for epoch in range(times) for i in range(len(samples))]
    for start in tqdm(range(0, len(rows), _BATCH), "looking", leave=False, disable=None):
        crops = []
        for epoch, i in rows[start : start + _BATCH]:
            crop, state = dataset[epoch * len(samples) + i, i][0], np.asarray(samples[i].state)
            mirrored = epoch % 2 == 1
            crops.append(crop[:, ::-1] if mirrored else crop)
            states.append(state[order] if mirrored else state)
        reading = network.read(model.preprocess(torch.from_numpy(np.stack(crops))))
        cells.append(reading.at_points(reading.cells).half())
        wholes.append(reading.whole)
    return Examples(torch.cat(cells), torch.cat(wholes), np.stack(states))


def _fit(head: VisibilityHead, examples: Examples, recipe: Recipe) -> None:
    """Train the head; its learning rate falls to zero."""
    head.standardize(examples.whole)
    optimizer = torch.optim.AdamW(
        head.parameters(), recipe.config.learning_rate, weight_decay=recipe.config.weight_decay
    )
    count, visible = len(examples.whole), examples.visible
    size = min(_BATCH, count)
    steps = _PASSES * (count // size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(_PASSES):
        for rows in torch.randperm(count)[: count // size * size].split(size):
            logits = head.logits(head.project(examples.cells[rows].float()), examples.whole[rows])
            loss = F.binary_cross_entropy_with_logits(logits, visible[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


@torch.no_grad()
def _logits(head: VisibilityHead, examples: Examples) -> Tensor:
    return head.logits(head.project(examples.cells.float()), examples.whole)


def _calibrate(head: VisibilityHead, examples: Examples) -> None:
    """Fit one gain and one offset of the logits (Platt, 1999)."""
    logits, visible = _logits(head, examples), examples.visible
    values = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([values], max_iter=50)

    def loss() -> Tensor:
        optimizer.zero_grad()
        cost = F.binary_cross_entropy_with_logits(values[0] * logits + values[1], visible)
        cost.backward()
        return cost

    optimizer.step(loss)
    head.calibrate(*values.tolist())


def figures(head: VisibilityHead, examples: Examples) -> dict[str, float]:
    """How well the head tells visible points from the others: ROC-AUC, and the error of its calibration."""
    return visibility_figures(_logits(head, examples).sigmoid().numpy(), examples.state)
