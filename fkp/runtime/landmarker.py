"""Landmarker: finds the landmarks of the faces in a picture."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fkp.errors import UsageError
from fkp.geometry import (
    check_box,
    crop_transform,
    invert,
    level_box,
    one_face,
    points_box,
    suppress_overlaps,
    transform_points,
    unit_transform,
    warp,
)
from fkp.runtime.detectors import Detections, Detector, get_detector
from fkp.runtime.face import Face
from fkp.runtime.index import DEFAULT_MODEL, find_model
from fkp.runtime.search import QUARTER_TURNS, SAME_FACE, SEARCHES, SURE_SCORE, detect_rotated, detect_tiled
from fkp.runtime.sessions import ModelSession, Outputs, short_name
from fkp.schemes import Scheme, get_scheme
from fkp.spec import ModelSpec


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The faces of one picture, and how long each stage took.

    Attributes:
        faces: in the detector's order, or in that of the given boxes.
        timings: milliseconds of "detect", "crop" (cutting the crops, and mapping the points back) and
            "network", in that order.
    """

    faces: list[Face]
    timings: dict[str, float]


class Landmarker:
    """One model and one face detector.

    Several threads may call it at once. It can be pickled; the other process loads the same model again.

    Attributes:
        spec: the model's description of itself.
        scheme: the landmark scheme of its points.
        providers: the ONNX Runtime providers that really run, the first one first choice.
    """

    spec: ModelSpec
    scheme: Scheme
    providers: tuple[str, ...]

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        providers: str | Sequence[str] | None = None,
        threads: int | None = None,
        detector: str | Detector = "fkp",
        refine: bool = False,
        search: str = "fast",
    ) -> None:
        """Load a model.

        Args:
            model: a name of `list_models()`, or the path of an .onnx file.
            providers: such as "cpu" or "cuda", in order of preference; None for the best one installed.
            threads: threads of the network on the CPU; None leaves it to ONNX Runtime.
            detector: a name of `fkp.runtime.detectors.DETECTORS`, the path of a detector of this project or
                of YuNet, or an object with a `detect` method.
            refine: predict a second time, on a crop around the first prediction with level eyes.
            search: "fast" detects faces in one pass over the picture; "thorough" also in tiles of it, which
                finds small faces in large pictures and takes a pass for every 0.2 megapixels.

        Raises:
            ModelError: the model is missing, damaged, or not the one that the index describes.
            UsageError: an unknown detector, provider or search, or a scheme too small to refine.
        """
        self._arguments = (model, providers, threads, detector, refine, search)
        if search not in SEARCHES:
            raise UsageError(f"unknown search {search!r}; known: {', '.join(SEARCHES)}")
        path, sha256 = find_model(model)
        self._session = ModelSession(path, providers, threads, sha256)
        self.spec = self._session.spec
        self.scheme = get_scheme(self.spec.scheme)
        self.providers = self._session.providers
        if refine and self.scheme.num_points < 3:
            raise UsageError(f"refine needs three points or more; {self.spec.name} has {self.scheme.name}")
        self._refine = refine
        self._thorough = search == "thorough"
        self._detector = get_detector(detector, threads) if isinstance(detector, str) else detector

    def __reduce__(self) -> tuple[type[Landmarker], tuple[object, ...]]:
        return type(self), self._arguments

    def __repr__(self) -> str:
        points, provider = self.scheme.num_points, short_name(self.providers[0])
        return f"<Landmarker {self.spec.name}: {points} points ({self.scheme.name}), on {provider}>"

    def __call__(self, image: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of an RGB uint8 picture (H, W, 3); [] when there is none.

        Raises:
            ValueError: `image` is not (H, W, 3) uint8.
            ModelError: the output of the model or of the detector cannot be used.
        """
        return self.analyze(image).faces

    def predict(self, image: NDArray[np.uint8], boxes: ArrayLike) -> NDArray[np.float32]:
        """Predict landmarks (N, K, 2), image frame, for canonical face boxes (N, 4).

        Raises:
            ValueError: `image` is not (H, W, 3) uint8, or `boxes` not (N, 4) with x1 > x0, y1 > y0.
            ModelError: the model's output cannot be used.
        """
        return self.predict_all(image, boxes).points

    def predict_with_scores(
        self, image: NDArray[np.uint8], boxes: ArrayLike
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Predict as `predict` does, and return the scores (N, K) of the points too; the same errors."""
        return self.predict_all(image, boxes)[:2]

    def predict_all(self, image: NDArray[np.uint8], boxes: ArrayLike) -> Outputs:
        """Predict as `predict` does, and return all outputs of the model, points in the image frame."""
        return self._predict(_check_image(image), _check_boxes(boxes), _Stopwatch())

    def predict_again(
        self, image: NDArray[np.uint8], boxes: ArrayLike, points: ArrayLike
    ) -> NDArray[np.float32]:
        """Run the second pass of `refine`: predict landmarks (N, K, 2) on level crops around first ones.

        Args:
            image: (H, W, 3) uint8, RGB.
            boxes: (N, 4) canonical face boxes, used where the first points span no area.
            points: (N, K, 2) landmarks of the first pass, image frame.

        Raises:
            ValueError, ModelError: as `predict`.
        """
        first = Outputs(np.asarray(points, np.float32), np.empty(0, np.float32), None)
        return self._predict_again(_check_image(image), _check_boxes(boxes), first, _Stopwatch()).points

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """Find the face boxes of a picture.

        Raises:
            ValueError: `image` is not (H, W, 3) uint8.
            ModelError: the project's own detector failed.
        """
        return self._detector.detect(_check_image(image))

    def analyze(self, image: NDArray[np.uint8], boxes: ArrayLike | None = None) -> Analysis:
        """Find the faces of a picture and time each stage.

        With `boxes` (N, 4), canonical, the detector does not run. A model that knows which scores can be
        trusted (`ModelSpec.reliable_score`) predicts doubtful faces again in rotated crops. Where it doubts a
        face, or none was found, faces are detected in rotated copies of the picture, too.

        Raises:
            ValueError: as `predict`.
            ModelError: the output of the model or of the detector cannot be used.
        """
        watch = _Stopwatch()
        image = _check_image(image)
        if boxes is None:
            found, outputs = self._find_faces(image, watch)
        else:
            given = _check_boxes(boxes)
            found = Detections(given.astype(np.float32), np.ones(len(given), np.float32))
            outputs = self._predict(image, given, watch)
            doubtful = np.flatnonzero(self._are_doubtful(outputs))
            if len(doubtful):
                again = outputs.join(self._predict_rotated(image, given[doubtful], watch))
                order = np.arange(len(given))
                order[doubtful] = len(given) + np.arange(len(doubtful))
                outputs = again.take(order)
        return Analysis(self._to_faces(found, outputs), watch.milliseconds)

    def _find_faces(self, image: NDArray[np.uint8], watch: _Stopwatch) -> tuple[Detections, Outputs]:
        with watch("detect"):
            found = detect_tiled(self._detector, image) if self._thorough else self._detector.detect(image)
        outputs = self._predict(image, found.boxes.astype(np.float64), watch)
        doubtful = self._are_doubtful(outputs)
        if self.spec.reliable_score is None or (len(doubtful) and not doubtful.any()):
            return found, outputs
        with watch("detect"):
            rotated = detect_rotated(self._detector, image)
        sure = found.take(~doubtful)
        new = rotated.take(~one_face(rotated.boxes, sure.boxes).max(axis=1, initial=0).astype(bool))
        candidates = found.take(doubtful).join(new)
        turned = self._predict_rotated(image, candidates.boxes.astype(np.float64), watch)
        boxes = points_box(turned.points) if len(turned.points) else candidates.boxes
        best = np.array(suppress_overlaps(boxes, turned.scores.mean(axis=1), SAME_FACE, one_face), int)
        return sure.join(candidates.take(best)), outputs.take(~doubtful).join(turned.take(best))

    def _are_doubtful(self, outputs: Outputs) -> NDArray[np.bool_]:
        """Which faces are worth other orientations; none where the model's scores were not calibrated."""
        if self.spec.reliable_score is None:
            return np.zeros(len(outputs.scores), bool)
        return outputs.scores.mean(axis=1) < max(self.spec.reliable_score, SURE_SCORE)

    def _predict_rotated(
        self, image: NDArray[np.uint8], boxes: NDArray[np.float64], watch: _Stopwatch
    ) -> Outputs:
        """Predict in two passes, the first one rotated by each quarter turn; the best mean score counts."""
        turns = []
        for degrees in (0.0, *QUARTER_TURNS):
            first = self._predict_once(image, boxes, np.full(len(boxes), degrees), watch)
            turns.append(self._predict_again(image, boxes, first, watch))
        best = np.argmax([turn.scores.mean(axis=1) for turn in turns], axis=0)
        together = functools.reduce(Outputs.join, turns)
        return together.take(best * len(boxes) + np.arange(len(boxes)))

    def _to_faces(self, found: Detections, outputs: Outputs) -> list[Face]:
        limit = self.spec.reliable_score
        return [
            Face(
                points=outputs.points[i],
                scores=outputs.scores[i],
                box=found.boxes[i],
                box_score=float(found.scores[i]),
                scheme=self.scheme.name,
                reliable=None if limit is None else bool(outputs.scores[i].mean() >= limit),
                visible=None if outputs.visible is None else outputs.visible[i],
            )
            for i in range(len(outputs.points))
        ]

    def _predict(self, image: NDArray[np.uint8], boxes: NDArray[np.float64], watch: _Stopwatch) -> Outputs:
        outputs = self._predict_once(image, boxes, np.zeros(len(boxes)), watch)
        if self._refine and len(boxes):
            outputs = self._predict_again(image, boxes, outputs, watch)
        return outputs

    def _predict_again(
        self,
        image: NDArray[np.uint8],
        boxes: NDArray[np.float64],
        first: Outputs,
        watch: _Stopwatch,
    ) -> Outputs:
        angles = self._tilts(first.points)
        levels = [level_box(p, angle) for p, angle in zip(first.points, angles, strict=True)]
        level = np.reshape(levels, (-1, 4))
        usable = np.all(level[:, 2:] > level[:, :2], axis=1, keepdims=True)
        return self._predict_once(image, np.where(usable, level, boxes), angles, watch)

    def _predict_once(
        self,
        image: NDArray[np.uint8],
        boxes: NDArray[np.float64],
        angles: NDArray[np.float64],
        watch: _Stopwatch,
    ) -> Outputs:
        size = self.spec.input_size
        with watch("crop"):
            matrices = [
                crop_transform(box, size, self.spec.margin, angle)
                for box, angle in zip(boxes, angles, strict=True)
            ]
            crops = np.empty((len(boxes), *size, 3), np.uint8)
            for crop, matrix in zip(crops, matrices, strict=True):
                crop[:] = warp(image, matrix, size)
        with watch("network"):
            outputs = self._session.run(crops)
        with watch("crop"):
            for points, matrix in zip(outputs.points, matrices, strict=True):
                points[:] = transform_points(invert(unit_transform(size) @ matrix), points)
        return outputs

    def _tilts(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """Degrees by which each face is tilted clockwise: (N, K, 2) -> (N,); 0 without eye corners."""
        if self.scheme.outer_eye_corners is None:
            return np.zeros(len(points))
        right, left = self.scheme.outer_eye_corners
        across = (points[:, left] - points[:, right]).astype(np.float64)
        return np.degrees(np.arctan2(across[:, 1], across[:, 0]))


class _Stopwatch:
    """Add up the milliseconds of named stages."""

    def __init__(self) -> None:
        self.milliseconds = {"detect": 0.0, "crop": 0.0, "network": 0.0}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.milliseconds[stage] += (time.perf_counter() - start) * 1000


def _check_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"a picture must be a uint8 array, not {kind}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"a picture must be an RGB array (H, W, 3), not {image.shape}")
    return image


def _check_boxes(boxes: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(boxes, np.float64)
    if array.size == 0:
        return np.empty((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"face boxes must be an (N, 4) array of x0, y0, x1, y1, not {array.shape}")
    if not (np.isfinite(array).all() and (array[:, 2:] > array[:, :2]).all()):
        for box in array:
            check_box(box)  # says what is wrong with the first bad one
    return array
