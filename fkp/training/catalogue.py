"""Every recipe there is. Adding a network is one class in `fkp/models` and one entry here."""

from __future__ import annotations

from collections.abc import Mapping

from fkp.models.reports import Conv
from fkp.training.augment import Augmentation
from fkp.training.losses import Loss
from fkp.training.recipe import Recipe

IN_THE_WILD = Augmentation(
    rotation=18, rotation_share=0.7, scale=0.09, shift=0.05, perspective=0.04, mirror=0.5,
    colour=0.8, grey=0.2, blur=0.2, noise=0.1, occlusion=0.4,
)  # fmt: skip
# The reports feed whole pictures, in which the face wanders; the contract feeds crops around the
# face box, so the wandering comes from shifting that box.
WANDERING = Augmentation(shift=0.08, scale=0.08)

_RECIPES = (
    Recipe(
        name="fkp68-base",
        summary="68 points by soft-argmax over 32x32 maps; the accurate one",
        source="own: residual encoder, feature pyramid, integral regression with map divergence",
        scheme="ibug68", train=("ibug-train",), validation="ibug-val",
        network="pyramid-softargmax", input_size=(128, 128), margin=1.25,
        loss=Loss("smooth-l1", scale=128, beta=0.5, map_weight=1.0), augmentation=IN_THE_WILD,
        optimiser="adamw", learning_rate=1e-3, weight_decay=0.01, schedule="cosine", warmup_steps=200,
        epochs=140, batch_size=32, clip=5.0, ema=0.998, precision="bf16", half=True,
    ),
    Recipe(
        name="fkp68-tiny",
        summary="68 points by soft-argmax over 32x32 maps; the small and fast one",
        source="own: fkp68-base at 0.4 of its width",
        scheme="ibug68", train=("ibug-train",), validation="ibug-val",
        network="pyramid-softargmax", options={"widths": (20, 40, 72, 104), "top": 36},
        input_size=(128, 128), margin=1.25,
        loss=Loss("smooth-l1", scale=128, beta=0.5, map_weight=1.0), augmentation=IN_THE_WILD,
        optimiser="adamw", learning_rate=2e-3, weight_decay=0.01, schedule="cosine", warmup_steps=200,
        epochs=150, batch_size=32, clip=5.0, ema=0.998, precision="bf16", half=True,
    ),
    Recipe(
        name="report000-nose",
        summary="nose tip; 3 convolutions (12/24/32), batches of one face",
        source="report 000: 768 flat features fit no 80x60 picture; 57x76 is the closest 4:3 that gives them",
        scheme="nose1", train=("imm-train",), validation="imm-val",
        network="plain-cnn", input_size=(57, 76), margin=1.8, grey=True, augmentation=WANDERING,
        options={"convs": (Conv(12, 7), Conv(24, 5), Conv(32, 3)), "hidden": (20,)},
        loss=Loss("mse"), epochs=60, batch_size=1, schedule="cosine", keep="last",
    ),
    Recipe(
        name="report000-face",
        summary="58 points; 5 convolutions of falling size (7 to 3), batches of one face",
        source="report 000, Net2: 5632 flat features are a 120x160 picture with pools after the first three",
        scheme="imm58", train=("imm-train",), validation="imm-val",
        network="plain-cnn", input_size=(120, 160), margin=1.8, grey=True, augmentation=WANDERING,
        options={
            "convs": (
                Conv(12, 7, 1), Conv(20, 6, 1), Conv(24, 5, 1), Conv(28, 4, 1, pool=False),
                Conv(32, 3, 1, pool=False),
            ),
            "hidden": (400,),
        },
        loss=Loss("mse"), epochs=60, batch_size=1, learning_rate=3e-4, schedule="cosine", keep="last",
        half=True,
    ),
    Recipe(
        name="report004-ytf",
        summary="68 points on video frames; 5 convolutions (7 to 3), dropout 0.6",
        source="report 004: RMSprop 1e-4, MSE on targets in -1..1, 3 epochs, random crops",
        scheme="ibug68", train=("ytf-train",), validation="ytf-val",
        network="plain-cnn", input_size=(224, 224), margin=1.5, grey=True, normalisation="unit",
        augmentation=Augmentation(shift=0.05),
        options={
            "convs": (Conv(16, 7), Conv(32, 5), Conv(64, 3), Conv(128, 3), Conv(512, 3)),
            "hidden": (1024,), "dropout": 0.6, "offset": 0.5, "scale": 0.5,
        },
        loss=Loss("mse", scale=2), epochs=3, batch_size=10, optimiser="rmsprop", learning_rate=1e-4,
        keep="last", half=True,
    ),
)  # fmt: skip

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _RECIPES}


def get_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: there is none; the message lists the names.
    """
    if name not in RECIPES:
        raise ValueError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}")
    return RECIPES[name]
