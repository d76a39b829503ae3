"""The networks and experiments of the five course reports; `source` says where we depart from them.

A variant of another recipe is written as that recipe with one setting replaced.
"""

from __future__ import annotations

from dataclasses import replace

from fkp.course_reports.plain_cnn import Conv
from fkp.training.augment import NO_AUGMENTATION, Augmentation
from fkp.training.config import TrainingConfig
from fkp.training.losses import Loss
from fkp.training.recipe import Recipe

# The networks of the reports get whole pictures, with the face at varying places. Here they get crops around
# the face box, so shifts of that box vary the place.
WANDERING = Augmentation(shift=0.08, scale=0.08)
AFFINE = replace(WANDERING, rotation=8, color=0.5)
WILD = replace(WANDERING, rotation=12, perspective=0.06, color=0.8)

NOSE_000 = Recipe(
    name="report000-nose", series="course-reports",
    summary="nose tip; 3 convolutions (12/24/32), batches of one face",
    source="report 000: 768 flat features fit no 80x60 picture; 57x76 is the closest 4:3 that gives them",
    scheme="nose1", train=("imm-train",), validation="imm-val",
    network="plain-cnn", input_size=(57, 76), margin=1.8, gray=True, augmentation=WANDERING,
    options={"convs": (Conv(12, 7), Conv(24, 5), Conv(32, 3)), "hidden": (20,)},
    loss=Loss("mse"), config=TrainingConfig(epochs=60, batch_size=1, schedule="cosine"), keep="last",
)  # fmt: skip
NOSE_001 = NOSE_000.replace(
    name="report001-nose", summary="nose tip; 3 convolutions and 2 linear layers, MSE, Adam 1e-3",
    source="report 001 shows its layers' sizes in a picture only: those here are ours, and so is 60x80",
    input_size=(60, 80), options={"convs": (Conv(16, 5), Conv(24, 3), Conv(32, 3)), "hidden": (64,)},
    batch_size=2, weight_dtype="half",
)  # fmt: skip
NOSE_002 = NOSE_001.replace(
    name="report002-nose", summary="nose tip; 4 convolutions 3x3 (16/32/64/64), Adam 1e-3",
    source="report 002: 64x5x4 flat features, so 80 is the width", input_size=(64, 80),
    options={"convs": tuple(Conv(n, 3, 1) for n in (16, 32, 64, 64)), "hidden": (64,)},
)  # fmt: skip
FACE_000 = NOSE_000.replace(
    name="report000-face", scheme="imm58", input_size=(120, 160),
    summary="58 points; 5 convolutions of falling size (7 to 3), batches of one face",
    source="report 000, Net2: 5632 flat features are a 120x160 picture with pools after the first three",
    options={
        "convs": (
            Conv(12, 7, 1), Conv(20, 6, 1), Conv(24, 5, 1), Conv(28, 4, 1, pool=False),
            Conv(32, 3, 1, pool=False),
        ),
        "hidden": (400,),
    },
    learning_rate=3e-4, weight_dtype="half",
)  # fmt: skip
FACE_001 = FACE_000.replace(
    name="report001-face",
    summary="58 points; 6 convolutions (7x7 stride 2 first), colors, rotations and homographies",
    source="report 001: targets in -0.5..0.5 x 100, data cycled to 1024, 20 epochs; widths after 64 are ours",
    options={
        "convs": (
            Conv(16, 7, 3, stride=2), Conv(32, 5, 2, pool=False), Conv(64, 7, 3),
            Conv(64, 3, 1, stride=2, pool=False), Conv(128, 3, 1, pool=False), Conv(128, 3, 1, pool=False),
        ),
        "hidden": (256,), "offset": 0.5,
    },
    loss=Loss("mse", scale=100), augmentation=WILD, epochs=6, samples_per_epoch=1024, batch_size=8,
    learning_rate=1e-3, precision="bf16", weight_dtype="int8",
)  # fmt: skip
FACE_002 = FACE_000.replace(
    name="report002-face",
    summary="58 points; 5 convolutions 3x3, last bias around 0.5, colors and small rotations",
    source="report 002: its 64x20x15 flat features need three pools (here after 1, 3, 5); 100 epochs there",
    options={
        "convs": tuple(Conv(n, 3, 1, pool=pool) for n, pool in
                       ((32, True), (32, False), (32, True), (64, False), (64, True))),
        "hidden": (2000,), "bias": 0.5,
    },
    augmentation=AFFINE, epochs=60, batch_size=8, learning_rate=1e-3, precision="bf16", weight_dtype="int8",
)  # fmt: skip
FACE_003 = FACE_000.replace(
    name="report003-face", summary="58 points; FacialPointsNet, 5 convolutions 5x5, random crops",
    source="report 003: its 14400 flat features are no multiple of conv5's 128 channels, but 96 of conv4 on "
    "220x300; here all five count, on 120x160 with three pools. Its 1e4 reads as 1e-4; 30 epochs there",
    options={
        "convs": (Conv(16, 5), Conv(32, 5), Conv(64, 5), Conv(96, 5, pool=False), Conv(128, 5, pool=False)),
        "hidden": (2048,),
    },
    augmentation=replace(WANDERING, shift=0.12), epochs=15, batch_size=4, learning_rate=1e-4,
    precision="bf16", weight_dtype="int8",
)  # fmt: skip
MIRRORED = FACE_002.replace(
    name="report002-mirror", summary="report002-face with half of the faces mirrored, re-ordered",
    augmentation=replace(AFFINE, mirror=0.5), epochs=10, learning_rate=3e-4,
)  # fmt: skip

# In the wild. The inputs of 112 pixels are what a CPU can train; the report's would be 224.
RESNET_001 = Recipe(
    name="report001-resnet18", series="course-reports",
    summary="68 points; ResNet-18, all of it trained, colors, rotations and homographies",
    source="report 001, its network from scratch: targets in -0.5..0.5 x 100; there 20 epochs, batches of 32",
    scheme="ibug68", train=("ibug-train",), validation="ibug-val",
    network="resnet", options={"offset": 0.5}, input_size=(112, 112), margin=1.5,
    normalization="imagenet", augmentation=WILD, loss=Loss("mse", scale=100),
    config=TrainingConfig(
        epochs=6, batch_size=16, schedule="cosine", warmup_steps=40, clip=100.0, precision="bf16",
    ),
    weight_dtype="int8",
)  # fmt: skip
RESNET_002 = RESNET_001.replace(
    name="report002-resnet18", summary="68 points; ResNet-18, smooth L1, pixels in -0.5..0.5",
    source="report 002's settings on a network on which two normalizations can be compared here",
    options={"bias": 0.5}, normalization="min-max", augmentation=AFFINE, loss=Loss("smooth-l1"), epochs=6,
)  # fmt: skip
RESNET_003 = RESNET_001.replace(
    name="report003-resnet18", summary="68 points; ResNet-18, L1, no mirrored faces",
    source="report 003: L1, Adam 1e-3, no variation at all; 50 epochs there", loss=Loss("l1", scale=100),
    augmentation=NO_AUGMENTATION,
)  # fmt: skip
YTF = Recipe(
    name="report004-ytf", series="course-reports",
    summary="68 points on video frames; 5 convolutions (7 to 3), dropout 0.6",
    source="report 004: RMSprop 1e-4, MSE on targets in -1..1, 3 epochs, random crops",
    scheme="ibug68", train=("ytf-train",), validation="ytf-val",
    network="plain-cnn", input_size=(224, 224), margin=1.5, gray=True, normalization="unit",
    augmentation=Augmentation(shift=0.05),
    options={
        "convs": (Conv(16, 7), Conv(32, 5), Conv(64, 3), Conv(128, 3), Conv(512, 3)),
        "hidden": (1024,), "dropout": 0.6, "offset": 0.5, "scale": 0.5,
    },
    loss=Loss("mse", scale=2),
    config=TrainingConfig(epochs=3, batch_size=10, optimizer="rmsprop", learning_rate=1e-4),
    keep="last", weight_dtype="half",
)  # fmt: skip
SHORT_YTF = YTF.replace(
    name="report004-rmsprop", summary="report004-ytf on an eighth of the samples", samples_per_epoch=400,
    precision="bf16", weight_dtype="int8",
)  # fmt: skip

RECIPES = (
    NOSE_000,
    NOSE_001,
    NOSE_001.replace(
        name="report001-nose-2conv", summary="nose tip; 2 convolutions and 3 linear layers",
        options={"convs": (Conv(16, 7), Conv(32, 5)), "hidden": (128, 32)},
    ),
    NOSE_001.replace(name="report001-nose-l1", summary="report001-nose with L1", loss=Loss("l1")),
    NOSE_001.replace(name="report001-nose-1e-4", summary="report001-nose with 1e-4", learning_rate=1e-4),
    NOSE_002,
    NOSE_002.replace(name="report002-nose-4e-3", summary="report002-nose with 4e-3", learning_rate=4e-3),
    NOSE_002.replace(
        name="report002-nose-5x5", summary="report002-nose, its first two convolutions 5x5",
        options={
            "convs": (Conv(16, 5, 2), Conv(32, 5, 2), Conv(64, 3, 1), Conv(64, 3, 1)), "hidden": (64,)
        },
    ),
    FACE_000,
    FACE_001,
    FACE_002,
    MIRRORED,
    MIRRORED.replace(
        name="report002-mirror-wrong", summary="report002-mirror, not re-ordered (a mistake)",
        augmentation=replace(AFFINE, mirror=0.5, reorder=False),
    ),
    FACE_003,
    FACE_003.replace(name="report003-face-1e-3", summary="report003-face with 1e-3", learning_rate=1e-3),
    FACE_003.replace(name="report003-face-1e-5", summary="report003-face with 1e-5", learning_rate=1e-5),
    SHORT_YTF,
    SHORT_YTF.replace(name="report004-adam", summary="report004-rmsprop with Adam", optimizer="adam"),
    SHORT_YTF.replace(
        name="report004-l1", summary="report004-rmsprop with L1", loss=Loss("l1", scale=2),
    ),
    YTF,
    RESNET_001,
    RESNET_001.replace(
        name="report001-resnet18-last", summary="report001-resnet18, last block and head only",
        source="report 001: ImageNet weights, conv4's block and the head trained",
        options={"offset": 0.5, "pretrained": True, "trained": "last-block"},
    ),
    RESNET_001.replace(
        name="report001-pca", summary="68 points; ResNet-18, 12 coefficients of a PCA of faces",
        source="report 001's PCA head; there on ImageNet weights with the last block trained",
        options={"pretrained": True, "components": 12}, epochs=3,
    ),
    RESNET_002,
    RESNET_002.replace(
        name="report002-resnet18-imagenet", normalization="imagenet",
        summary="report002-resnet18, pixels by ImageNet's mean and deviation",
    ),
    RESNET_003,
    RESNET_003.replace(
        name="report003-resnet18-mirror", augmentation=Augmentation(mirror=0.5),
        summary="report003-resnet18 with half of the faces mirrored",
    ),
    RESNET_003.replace(
        name="report000-resnet18", summary="68 points; ResNet-18, batches of one face",
        source="report 000: ResNet-18, 10 epochs of batches of one face", options={"offset": 0.5},
        loss=Loss("mse", scale=100), batch_size=1, epochs=10, learning_rate=1e-4, warmup_steps=200,
    ),
    RESNET_002.replace(
        name="report002-unet", network="pixel-unet", options={"widths": (16, 32, 64, 128, 192)},
        summary="68 points; Pixel U-Net, expected position under a softmax over all pixels",
        source="report 002: smooth L1, 3e-3; 224 px there, widths ours", learning_rate=3e-3, epochs=12,
        loss=Loss("smooth-l1", scale=112),
    ),
    RESNET_002.replace(
        name="report002-wide", summary="68 points; Wide ResNet-50-2, smooth L1",
        source="report 002: boxes 25 % larger on each side, 3e-4, last bias around 0.5; 30 epochs there",
        options={"arch": "wide_resnet50_2", "bias": 0.5, "pretrained": True}, learning_rate=3e-4,
        epochs=16,
    ),
)  # fmt: skip
