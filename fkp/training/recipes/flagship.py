"""Our own networks for 68 points."""

from __future__ import annotations

import dataclasses
from typing import Any

from fkp.datasets.catalog import IBUG_LABEL_SHIFT
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
    teacher="fkp68-large-mild",
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


_MERL_RAV = "merl-rav-train"


def _joint(before: Recipe, name: str, summary: str, source: str, **changes: Any) -> Recipe:
    """A network whose training continues with MERL-RAV's faces beside 300-W's, in 300-W's style."""
    return before.replace(
        name=name, summary=summary, source=source, initial=before.name, teacher=None,
        train=("ibug-train", _MERL_RAV), translated=(_MERL_RAV,), augmentation=IN_THE_WILD,
        label_shift=IBUG_LABEL_SHIFT, precision="fp32", **changes,
    )  # fmt: skip


_LARGE_MILD = _milder(
    _LARGE,
    name="fkp68-large-mild",
    summary="68 points by soft-argmax over 40x40 maps; the first generation of fkp68-large",
    source="own: fkp68-teacher, trained on with larger crops and labeled faces; less varied at last",
)
_BASE_MILD = _milder(
    _BASE_AGAIN,
    name="fkp68-base-mild",
    summary="68 points by soft-argmax over 40x40 maps; the first generation of fkp68-base",
    source="own: a third of fkp68-large's work, taught twice by its maps and labels; less varied at last",
)
_TINY_MILD = _milder(
    _TINY_AGAIN,
    name="fkp68-tiny-mild",
    summary="68 points by soft-argmax over 40x40 maps; the first generation of fkp68-tiny",
    source="own: half of fkp68-base's work, taught in the same way",
)


def _final(joint: Recipe, name: str, summary: str, source: str, **changes: Any) -> Recipe:
    """The last epochs: 300-W's faces, HELEN's that are pseudo-labeled, and MERL-RAV's turned ones."""
    return joint.replace(
        name=name, summary=summary, source=source, initial=joint.name,
        train=("ibug-train", "helen-labelled", "merl-rav-turned"), translated=("merl-rav-turned",), **changes,
    )  # fmt: skip


def _all_at_once(before: Recipe, name: str, summary: str, source: str, **changes: Any) -> Recipe:
    """A network that goes on with all faces: those of MERL-RAV in 300-W's style, which their labels have half
    from their annotators and half from trained networks, and HELEN's that are pseudo-labeled."""
    return before.replace(
        name=name, summary=summary, source=source, initial=before.name, teacher=None,
        train=("ibug-train", "helen-labelled", _MERL_RAV), translated=(_MERL_RAV,), pseudo_share=0.5,
        label_shift=IBUG_LABEL_SHIFT, precision="fp32", augmentation=_MILD, **changes,
    )  # fmt: skip


def _ibug_alone(before: Recipe, name: str, source: str, **changes: Any) -> Recipe:
    """The very last epochs: 300-W's faces alone, varied less."""
    return before.replace(
        name=name, source=source, initial=before.name, train=("ibug-train",), translated=(),
        pseudo_labelers=(), augmentation=_MILD, **changes,
    )  # fmt: skip


_BASE_JOINT = _joint(
    _BASE_MILD,
    name="fkp68-base-joint",
    summary="68 points by soft-argmax over 40x40 maps; fkp68-base's first round on any head turn",
    source="own: fkp68-base-mild, trained on with MERL-RAV's faces in 300-W's style, mirrored with its shift",
    learning_rate=8e-4, warmup_steps=100, epochs=20,
)  # fmt: skip
_BASE_FINAL = _final(
    _BASE_JOINT,
    name="fkp68-base-landmarks",
    summary="68 points at any head turn, by soft-argmax over 40x40 maps; accurate and fast",
    source="own: fkp68-base-joint, with 300-W's, HELEN's pseudo-labeled and MERL-RAV's turned faces at last",
    pseudo_labelers=("fkp68-large-mild",), learning_rate=3e-4, epochs=10,
)  # fmt: skip
_BASE_IBUG = _ibug_alone(
    _BASE_FINAL, "fkp68-base-ibug", "own: fkp68-base-landmarks, 300-W's faces alone at last",
    learning_rate=3e-4, epochs=10,
)  # fmt: skip
_BASE_PROFILES = _BASE_IBUG.replace(
    name="fkp68-base-profiles",
    source="own: fkp68-base-ibug, with turned heads and profiles, half of whose labels it gives itself",
    initial="fkp68-base-ibug", train=("ibug-train", "helen-labelled", "merl-rav-turned", "cfp-train"),
    translated=("merl-rav-turned", "cfp-train"), pseudo_labelers=("fkp68-base-ibug", "fkp68-base-landmarks"),
    pseudo_share=0.5, learning_rate=3e-4, epochs=9,
)  # fmt: skip
_TINY_ALL = _all_at_once(
    _TINY_MILD,
    name="fkp68-tiny-all",
    summary="68 points at any head turn, by soft-argmax over 40x40 maps; the small and fast one",
    source="own: fkp68-tiny-mild, with faces that fkp68-base and fkp68-large-mild label beside annotators",
    pseudo_labelers=("fkp68-base-ibug", "fkp68-large-mild"), learning_rate=1e-3, warmup_steps=100, epochs=12,
)  # fmt: skip
_TINY_TURNED = _TINY_ALL.replace(
    name="fkp68-tiny-turned",
    source="own: fkp68-tiny-all, with 300-W's faces and MERL-RAV's turned ones at last",
    initial="fkp68-tiny-all", train=("ibug-train", "merl-rav-turned"), translated=("merl-rav-turned",),
    pseudo_labelers=("fkp68-base-ibug", "fkp68-base-landmarks"), learning_rate=4e-4, epochs=8,
)  # fmt: skip
_LARGE_TURNED = _LARGE_MILD.replace(
    name="fkp68-large-turned",
    summary="68 points at any head turn, by soft-argmax over 40x40 maps; the most accurate one",
    source="own: fkp68-large-mild, with 300-W's faces mirrored with their shift, and MERL-RAV's turned ones",
    initial="fkp68-large-mild", train=("ibug-train", "merl-rav-turned"), translated=("merl-rav-turned",),
    pseudo_labelers=("fkp68-base-ibug",), pseudo_share=0.5, label_shift=IBUG_LABEL_SHIFT, precision="fp32",
    loss=_BASE.loss, learning_rate=3e-4, epochs=3,
)  # fmt: skip


def _with_visibility(before: Recipe, name: str) -> Recipe:
    """The same network with a head that says which points can be seen; its landmarks stay as they are."""
    return before.replace(
        name=name, initial=before.name,
        options={**before.options, "visibility": True}, train=(_MERL_RAV,), calibrated_on="merl-rav-val",
        pseudo_labelers=(), pseudo_share=0.0, translated=(), learning_rate=3e-3, epochs=4,
    )  # fmt: skip


RECIPES = (
    _TEACHER, _LARGE, _LARGE_MILD, _BASE, _BASE_AGAIN, _BASE_MILD, _TINY, _TINY_AGAIN, _TINY_MILD,
    _BASE_JOINT, _BASE_FINAL, _BASE_IBUG, _BASE_PROFILES,
    _with_visibility(_BASE_PROFILES, "fkp68-base"),
    _TINY_ALL, _TINY_TURNED, _with_visibility(_TINY_TURNED, "fkp68-tiny"),
    _LARGE_TURNED, _with_visibility(_LARGE_TURNED, "fkp68-large").replace(epochs=2),
)  # fmt: skip
