"""Labels before the first epoch: translated to one style, and mixed with predictions of trained networks."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fkp import geometry
from fkp.atomic import draft_of
from fkp.datasets import DATASETS, cache_folder
from fkp.datasets.conventions import style_offsets, translate, typical_inter_ocular
from fkp.errors import RunError
from fkp.schemes import get_scheme
from fkp.training.crops import CropDataset, Crops
from fkp.training.recipe import Recipe
from fkp.training.recipes import get_recipe
from fkp.training.run import Run

_BATCH = 64


@torch.inference_mode()
def mirror_averaged(model: nn.Module, recipe: Recipe, crops: Crops) -> NDArray[np.float64]:
    """A network's predictions for each face, averaged with those for its mirror image.

    Args:
        model: what `recipe` builds, trained.
        recipe: the crops that it takes, and how far right of mirror-symmetric ones its predictions are.
        crops: of N faces.

    Returns:
        (N, K, 2) in the frame of each of the `crops`.
    """
    dataset = CropDataset(crops, recipe)
    order = list(get_scheme(recipe.scheme).mirror)
    device = next(model.parameters()).device
    model.eval()
    predictions = []
    for start in range(0, len(dataset), _BATCH):
        rows = range(start, min(start + _BATCH, len(dataset)))
        pictures = torch.from_numpy(np.stack([dataset[0, row][0] for row in rows])).to(device)
        both = [model(one).points.float().cpu().numpy() for one in (pictures, pictures.flip(2))]
        straight, mirrored = (geometry.from_unit(points, recipe.input_size) for points in both)
        back = geometry.mirror_points(mirrored, recipe.input_size[1], order)
        for row, points in zip(rows, (straight + back) / 2, strict=True):
            box = crops.boxes[row]
            matrix = geometry.crop_transform(box, recipe.input_size, recipe.margin)
            shift = recipe.label_shift / 100 * typical_inter_ocular(box)
            moved = geometry.transform_points(geometry.invert(matrix), points)
            predictions.append(moved + np.array([shift, 0]))
    return np.stack(predictions)


def relabel(
    recipe: Recipe, crops: Crops, parts: Mapping[str, int], initial: nn.Module | None, runs: Path
) -> Crops:
    """The crops with the labels that `Recipe.translated` and `Recipe.pseudo_labelers` ask for.

    Args:
        recipe: what is trained.
        crops: of all its training faces.
        parts: data set -> number of its faces, in the order of the crops.
        initial: the recipe's network with its initial weights; None where it starts from scratch.
        runs: folder of the runs of the pseudo-labelers.

    Raises:
        RunError: there is no finished run of a pseudo-labeler, or labels are to be translated and there is
            nothing to translate them to.
    """
    points = crops.points.copy()
    start = 0
    for name, count in parts.items():
        rows = slice(start, start + count)
        part = Crops(crops.images[rows], points[rows], crops.boxes[rows])
        start += count
        if name in recipe.translated:
            if initial is None:
                raise RunError(f"{recipe.name} translates labels but starts from scratch")
            predictions = mirror_averaged(initial, recipe, part)
            offsets = style_offsets(part.points, predictions, part.boxes, get_scheme(recipe.scheme).mirror)
            points[rows] = translate(part.points, predictions, part.boxes, offsets)
        if recipe.pseudo_labelers and (share := _pseudo_share(recipe, name)):
            found = [_predictions_of(other, part, runs) for other in recipe.pseudo_labelers]
            points[rows] += share * (np.mean(found, axis=0) - points[rows])
        if recipe.label_shift:
            shift = (recipe.label_shift - DATASETS[name].label_shift) / 100
            points[rows, :, 0] += shift * typical_inter_ocular(part.boxes)[:, None]
    return dataclasses.replace(crops, points=points)


def _pseudo_share(recipe: Recipe, name: str) -> float:
    """The share of the pseudo-labels in a data set's labels."""
    if DATASETS[name].pseudo_labeled:
        return 1.0
    return recipe.pseudo_share if name in recipe.translated else 0.0


def _predictions_of(name: str, crops: Crops, runs: Path) -> NDArray[np.float64]:
    """A trained recipe's mirror-averaged predictions, without its shift to one side; kept on disk, since a
    large network takes minutes."""
    recipe, run = get_recipe(name), Run(runs / name)
    model = recipe.build()
    run.load_into(model, recipe)
    key = hashlib.sha256(run.weights.read_bytes() + crops.boxes.tobytes())
    key.update(np.ascontiguousarray(crops.images[:, ::16, ::16]).tobytes())
    path = cache_folder() / f"{key.hexdigest()[:20]}-labels.npy"
    if not path.exists():
        predictions = mirror_averaged(model.to(memory_format=torch.channels_last), recipe, crops)
        predictions[..., 0] -= recipe.label_shift / 100 * typical_inter_ocular(crops.boxes)[:, None]
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft_of(path) as draft, draft.open("wb") as file:
            np.save(file, predictions)
    return np.load(path)
