"""How the face detector is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fkp.models.detector import FaceDetector


@dataclass(frozen=True, slots=True)
class DetectorRecipe:
    """A face detector and its training, see `Recipe` for what the two share.

    Attributes:
        options: of the `FaceDetector`.
        side: of the square scenes, in pixels.
        scenes_per_epoch: random scenes that make an epoch.
        validation: data set whose pictures, as they are, measure recall and false boxes.
        rows: shares of scenes with 0, 1, 2 and so on rows and columns of pictures.
        largest: side of the largest faces over that of the scene, or of their cell in a mosaic.
        patterns: share of drawn patterns behind the faces.
        things: whether pictures of things are among those that scenes are made of.
        initial: name of the recipe whose weights this one starts from, None for fresh ones.
        sure: teacher's score from which a box is a face; below it the loss looks away.
    """

    name: str
    summary: str
    source: str
    validation: str
    epochs: int
    scenes_per_epoch: int
    batch_size: int
    options: Mapping[str, object] = field(default_factory=dict)
    side: int = 320
    rows: Sequence[float] = (0.1, 0.4, 0.3, 0.2)
    largest: float = 0.95
    patterns: float = 0.0
    things: bool = False
    initial: str | None = None
    sure: float = 0.7
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup_steps: int = 200
    clip: float = 5.0
    ema: float = 0.998
    precision: str = "bf16"
    seed: int = 0

    @property
    def command(self) -> str:
        return "detector train"

    def build(self) -> FaceDetector:
        """The detector, with fresh weights."""
        return FaceDetector(**self.options)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, object]:
        return dataclasses.asdict(self)


_FIRST = DetectorRecipe(
    name="fkp-detector-first",
    summary="the first stage of fkp-detector",
    source="own: FCOS-like, taught by YuNet's boxes and the landmarks of the fkp68 models",
    validation="ibug-val",
    epochs=30,
    scenes_per_epoch=4000,
    batch_size=16,
)
_SECOND = dataclasses.replace(
    _FIRST,
    name="fkp-detector-second",
    summary="the second stage of fkp-detector",
    patterns=0.4,
    initial=_FIRST.name,
    epochs=8,
    learning_rate=6e-4,
    warmup_steps=50,
)
_THIRD = dataclasses.replace(
    _SECOND,
    name="fkp-detector-third",
    summary="the third stage of fkp-detector",
    initial=_SECOND.name,
    things=True,
    epochs=16,
    learning_rate=1e-3,
)
FACE_DETECTOR = dataclasses.replace(
    _THIRD,
    name="fkp-detector",
    summary="face boxes as tight as the landmarks; four levels, plain convolutions",
    initial=_THIRD.name,
    side=448,
    rows=(0.1, 0.3, 0.25, 0.15, 0.2),
    largest=1.3,
    epochs=12,
    scenes_per_epoch=2000,
    learning_rate=6e-4,
)
STAGES = (_FIRST, _SECOND, _THIRD, FACE_DETECTOR)
