"""Face detectors: each one's boxes leave as canonical face boxes, whatever its own habit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

from fkp.geometry import BoxMap, box_iou


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Faces found in a picture, the surest first.

    Attributes:
        boxes: (N, 4) float32, canonical face boxes in the image frame.
        scores: (N,) float32; comparable within one detector only.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]


class Detector(Protocol):
    """Finds faces; safe to call from several threads."""

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """The faces of an RGB uint8 picture (H, W, 3)."""
        ...


# Haar boxes -> tight boxes of the landmarks: what `python -m fkp data fit-boxes` printed.
HAAR_BOX = BoxMap(left=0.0775, top=0.23, right=-0.067, bottom=0.0741)


class HaarDetector:
    """OpenCV's Haar cascade for frontal faces (Viola and Jones, CVPR 2001)."""

    # Of OpenCV's cascades the one with the fewest false finds for its share of faces found, on 300-W
    # training faces and on HELEN photos; equalising the histogram finds no more.
    _FILE = "haarcascade_frontalface_alt2.xml"
    _LONG_SIDE = 480  # pictures are searched at this size: larger ones take longer and find no more
    _NEIGHBOURS = 2  # windows that must agree on a face
    _SMALLEST = 24  # pixels, at the size that is searched
    _OVERLAP = 0.3

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / self._FILE))
        self._lock = threading.Lock()  # a cascade keeps the picture it works on

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        boxes, scores = self.raw_boxes(image)
        return Detections(HAAR_BOX(boxes).astype(np.float32), scores)

    def raw_boxes(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The cascade's own square boxes (N, 4) in the image frame and their scores (N,), best first."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        scale = min(1.0, self._LONG_SIDE / max(grey.shape))
        if scale < 1:
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        with self._lock:
            found, _, weights = self._cascade.detectMultiScale3(
                grey,
                scaleFactor=1.1,
                minNeighbors=self._NEIGHBOURS,
                minSize=(self._SMALLEST, self._SMALLEST),
                outputRejectLevels=True,
            )
        rectangles = np.asarray(found, np.float32).reshape(-1, 4)
        scores = np.asarray(weights, np.float32).reshape(-1)
        corners = np.concatenate([rectangles[:, :2], rectangles[:, :2] + rectangles[:, 2:]], axis=1)
        keep = suppress_overlaps(corners, scores, self._OVERLAP)
        return (corners[keep] / scale).astype(np.float32), scores[keep]


def suppress_overlaps(boxes: NDArray, scores: NDArray, overlap: float) -> list[int]:
    """Indices of the boxes (N, 4) whose IoU with no surer one is above `overlap`, surest first."""
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable").tolist():
        if not kept or box_iou(boxes[i], boxes[kept]).max() <= overlap:
            kept.append(i)
    return kept


DETECTORS: Mapping[str, Callable[[], Detector]] = {"haar": HaarDetector}


def get_detector(name: str) -> Detector:
    """A new detector of that name.

    Raises:
        ValueError: there is none; the message lists the names.
    """
    if name not in DETECTORS:
        raise ValueError(f"unknown face detector {name!r}; known: {', '.join(DETECTORS)}")
    return DETECTORS[name]()
