"""Our own networks for 68 points."""

from __future__ import annotations

import dataclasses

from fkp.training.augment import Augmentation
from fkp.training.config import TrainingConfig
from fkp.training.losses import Loss
from fkp.training.recipe import Recipe

IN_THE_WILD = Augmentation(
    rotation=18, rotation_share=0.7, scale=0.09, shift=0.05, perspective=0.04, mirror=0.5,
    color=0.8, gray=0.2, blur=0.2, noise=0.1, occlusion=0.4,
)  # fmt: skip

_MILD = dataclasses.replace(
    IN_THE_WILD, rotation=10, scale=0.07, shift=0.04, perspective=0.02, color=0.5, gray=0.1, blur=0.1,
    noise=0.05, occlusion=0.15,
)  # fmt: skip

# As trained from scratch; also the teacher that labels pictures without annotations.
_TEACHER = Recipe(
    name="fkp68-teacher",
    summary="68 points by soft-argmax over 32x32 maps; fkp68-large starts from it, and from its labels",
    source="own: residual encoder, feature pyramid, integral regression with map divergence",
    scheme="ibug68", train=("ibug-train",), validation="ibug-val",
    network="pyramid-softargmax", input_size=(128, 128), margin=1.25,
    loss=Loss("smooth-l1", scale=128, beta=0.5, map_weight=1.0), augmentation=IN_THE_WILD,
    config=TrainingConfig(
        epochs=140, batch_size=32, optimizer="adamw", learning_rate=1e-3, weight_decay=0.01,
        schedule="cosine", warmup_steps=200, clip=5.0, ema=0.998, precision="bf16",
    ),
    weight_dtype="int8",
)  # fmt: skip
_LARGE = _TEACHER.replace(
    name="fkp68-large-first",
    summary="68 points by soft-argmax over 40x40 maps; the first round of fkp68-large",
    source="own: fkp68-teacher, trained on with larger crops and the faces that it labeled",
    initial="fkp68-teacher",
    train=("ibug-train", "helen-labelled"),
    input_size=(160, 160),
    epochs=36,
)
_BASE = _TEACHER.replace(
    name="fkp68-base-scratch",
    summary="68 points by soft-argmax over 40x40 maps; the first round of fkp68-base",
    source="own: a third of fkp68-large's work, taught by its maps and by its labels on more pictures",
    options={"widths": (32, 64, 128, 192), "blocks": (1, 2, 2, 2), "top": 64, "finest": 1},
    teacher="fkp68-large",
    train=("ibug-train", "helen-labelled", "ytf-labelled"),
    input_size=(160, 160),
    loss=Loss("smooth-l1", scale=160, beta=0.5, map_weight=0.3, map_distance="cross-entropy"),
    epochs=90,
)
# Without its first block, a seventh of the work, which is not missed once the rest is taught again.
_BASE_AGAIN = _BASE.replace(
    name="fkp68-base-again",
    summary="68 points by soft-argmax over 40x40 maps; the second round of fkp68-base",
    source="own: fkp68-base-scratch without its first block, taught again, on mirrored crops too",
    initial="fkp68-base-scratch",
    options={**_BASE.options, "blocks": (0, 2, 2, 2)},
    epochs=48,
)
_TINY = _BASE.replace(
    name="fkp68-tiny-scratch",
    summary="68 points by soft-argmax over 40x40 maps; the first round of fkp68-tiny",
    source="own: less than half of fkp68-base's work, taught in the same way",
    options={"widths": (16, 48, 96, 160), "blocks": (1, 1, 2, 2), "top": 48, "finest": 1},
    learning_rate=2e-3,
    epochs=110,
)
_TINY_AGAIN = _TINY.replace(
    name="fkp68-tiny-again",
    summary="68 points by soft-argmax over 40x40 maps; the second round of fkp68-tiny",
    source="own: fkp68-tiny-scratch, taught again, on mirrored crops too",
    initial="fkp68-tiny-scratch",
    learning_rate=1.5e-3,
    epochs=44,
)


def _milder(first: Recipe, name: str, summary: str, source: str) -> Recipe:
    """The last epochs of a network, whose pictures are varied less."""
    return first.replace(
        name=name, summary=summary, source=source, initial=first.name, augmentation=_MILD,
        learning_rate=2e-4, warmup_steps=50, epochs=8,
    )  # fmt: skip


RECIPES = (
    _TEACHER,
    _LARGE,
    _milder(
        _LARGE,
        name="fkp68-large",
        summary="68 points by soft-argmax over 40x40 maps; the most accurate one",
        source="own: fkp68-teacher, trained on with larger crops and labeled faces; less varied at last",
    ),
    _BASE,
    _BASE_AGAIN,
    _milder(
        _BASE_AGAIN,
        name="fkp68-base",
        summary="68 points by soft-argmax over 40x40 maps; accurate and fast",
        source="own: a third of fkp68-large's work, taught twice by its maps and labels; less varied at last",
    ),
    _TINY,
    _TINY_AGAIN,
    _milder(
        _TINY_AGAIN,
        name="fkp68-tiny",
        summary="68 points by soft-argmax over 40x40 maps; the small and fast one",
        source="own: half of fkp68-base's work, taught in the same way",
    ),
)
