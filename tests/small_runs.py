"""Training runs of a few seconds: recipes, pictures and a trainer that several test files share."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from fkp.course_reports.plain_cnn import Conv
from fkp.datasets import Sample
from fkp.training import landmark_trainer
from fkp.training.augment import Augmentation
from fkp.training.config import TrainingConfig
from fkp.training.losses import Loss
from fkp.training.recipe import Recipe

SPOT = Recipe(
    name="spot",
    summary="the bright spot",
    source="made for the tests",
    scheme="nose1",
    train=("spots",),
    validation="other-spots",
    network="plain-cnn",
    input_size=(32, 32),
    margin=1.2,
    gray=True,
    options={"convs": (Conv(8, 5), Conv(16, 3)), "hidden": (32,), "offset": 0.5},
    loss=Loss("mse"),
    augmentation=Augmentation(shift=0.05, color=0.3),
    config=TrainingConfig(
        epochs=6, batch_size=8, learning_rate=3e-3, schedule="cosine", warmup_steps=4, ema=0.9, clip=5.0
    ),
    weight_dtype="half",
)


MAPS = SPOT.replace(
    gray=False,
    network="pyramid-softargmax",
    options={"widths": (8, 8, 16, 16), "top": 8, "blocks": (1, 1, 1, 1)},
    loss=Loss("smooth-l1", scale=32, map_weight=1.0),
    weight_dtype="int8",
    epochs=3,
)


def spots(folder: Path, count: int, seed: int) -> list[Sample]:
    """Gray pictures, each with one bright spot somewhere in the middle of a box."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:80, :80]
    samples = []
    for i in range(count):
        x, y = rng.uniform(28, 52, 2)
        light = 60 + 180 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)
        picture = (light[..., None] + rng.normal(0, 4, (80, 80, 3))).clip(0, 255).astype(np.uint8)
        path = folder / f"{seed}-{i}.png"
        if not path.exists():  # a second process finds the pictures of the first
            Image.fromarray(picture).save(path)
        samples.append(
            Sample(
                path, path.name, np.array([16.0, 16, 64, 64]), np.array([[x, y]]), "nose1", None, path.stem
            )
        )
    return samples


def trainer(tmp_path, recipe=SPOT, folder="run", **kwargs):
    """A trainer of a run in a folder, with nothing prepared."""
    return landmark_trainer.LandmarkTrainer(recipe, tmp_path / folder, **kwargs)


def data(tmp_path):
    """What `LandmarkTrainer.fit` takes."""
    return {"spots": spots(tmp_path / "pictures", 48, 0)}, spots(tmp_path / "pictures", 16, 1)


def fit(tmp_path, recipe=SPOT, folder="run", until=math.inf, **kwargs):
    """A run, trained until it is finished or the time is over."""
    return trainer(tmp_path, recipe, folder, **kwargs).fit(*data(tmp_path), until)


def prepared(tmp_path, recipe=SPOT, folder="run", **kwargs):
    """A trainer that has its network, and its checkpoint where there is one."""
    made = trainer(tmp_path, recipe, folder, **kwargs)
    made.prepare(*data(tmp_path))
    return made
