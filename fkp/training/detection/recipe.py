"""How the face detector is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fkp.models.detector import FaceDetector
from fkp.training.config import BaseRecipe, TrainingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRecipe(BaseRecipe):
    """A face detector and its training; see `BaseRecipe` for the other fields.

    Attributes:
        validation: data set whose pictures, as they are, measure recall and false boxes.
        side: of the square scenes, in pixels.
        rows: shares of scenes with 0, 1, 2 and so on rows and columns of pictures.
        largest: side of the largest faces over that of the scene, or of their cell in a mosaic.
        patterns: share of drawn patterns behind the faces.
        negatives: whether scenes are also made of pictures without faces.
        sure: the score of a teacher's box from which it is a face; below it the loss ignores the box.
    """

    side: int = 320
    rows: Sequence[float] = (0.1, 0.4, 0.3, 0.2)
    largest: float = 0.95
    patterns: float = 0.0
    negatives: bool = False
    sure: float = 0.7

    @property
    def command(self) -> str:
        return "detector train"

    def build(self) -> FaceDetector:
        return FaceDetector()


_FIRST = DetectorRecipe(
    name="fkp-detector-first",
    summary="the first stage of fkp-detector",
    source="own: FCOS-like, taught by YuNet's boxes and the landmarks of the fkp68 models",
    validation="ibug-val",
    config=TrainingConfig(
        epochs=30, batch_size=16, samples_per_epoch=4000,
        optimizer="adamw", learning_rate=2e-3, weight_decay=0.01, schedule="cosine", warmup_steps=200,
        clip=5.0, ema=0.998, precision="bf16",
    ),
)  # fmt: skip
_SECOND = _FIRST.replace(
    name="fkp-detector-second",
    summary="the second stage of fkp-detector",
    patterns=0.4,
    initial=_FIRST.name,
    epochs=8,
    learning_rate=6e-4,
    warmup_steps=50,
)
_THIRD = _SECOND.replace(
    name="fkp-detector-third",
    summary="the third stage of fkp-detector",
    initial=_SECOND.name,
    negatives=True,
    epochs=16,
    learning_rate=1e-3,
)
FACE_DETECTOR = _THIRD.replace(
    name="fkp-detector",
    summary="face boxes as tight as the landmarks; four levels, plain convolutions",
    initial=_THIRD.name,
    side=448,
    rows=(0.1, 0.3, 0.25, 0.15, 0.2),
    largest=1.3,
    epochs=12,
    samples_per_epoch=2000,
    learning_rate=6e-4,
)
STAGES = (_FIRST, _SECOND, _THIRD, FACE_DETECTOR)
