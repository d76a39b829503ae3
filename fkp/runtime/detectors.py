"""Face detectors; each one maps its own boxes to canonical face boxes."""

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

from fkp.errors import ModelError, SpecError, UsageError
from fkp.geometry import BoxMap, merge_boxes, suppress_overlaps
from fkp.letterbox import shrink, to_batch
from fkp.runtime.folders import detectors_folder
from fkp.runtime.sessions import load_session, provider_names
from fkp.spec import DETECTOR_OUTPUT_NAMES, INPUT_NAME, METADATA_KEY, DetectorSpec


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Faces found in a picture, the best score first.

    Attributes:
        boxes: (N, 4) float32, canonical face boxes in the image frame.
        scores: (N,) float32; comparable within one detector only.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]

    def take(self, faces: NDArray) -> Detections:
        """Return some faces, by their indices or by a mask (N,)."""
        return Detections(self.boxes[faces], self.scores[faces])

    def join(self, other: Detections) -> Detections:
        """Return these faces, then the other ones."""
        boxes = np.concatenate([self.boxes, other.boxes])
        return Detections(boxes, np.concatenate([self.scores, other.scores]))


class Detector(Protocol):
    """Finds faces; several threads may call it at once."""

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """Find the faces of an RGB uint8 picture (H, W, 3)."""
        ...


# From a detector's own boxes to tight boxes of the landmarks, as `fkp data fit-boxes` fits them.
HAAR_BOX = BoxMap(left=0.0775, top=0.23, right=-0.067, bottom=0.0741)
YUNET_BOX = BoxMap(left=-0.007, top=0.2453, right=0.0139, bottom=0.0014)


class HaarDetector:
    """OpenCV's Haar cascade for frontal faces (Viola and Jones, CVPR 2001)."""

    # Of OpenCV's cascades, this one has the fewest false detections at its recall, on 300-W training faces
    # and on HELEN photos. Equalizing the histogram finds no more faces.
    _FILE = "haarcascade_frontalface_alt2.xml"
    _LONG_SIDE = 480  # pixels; a larger picture takes longer and yields no more faces
    _NEIGHBORS = 2  # windows that must agree on a face
    _SMALLEST = 24  # pixels, in the shrunken picture
    _OVERLAP = 0.3

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / self._FILE))
        self._lock = threading.Lock()  # a cascade keeps the picture it works on

    def __reduce__(self) -> tuple[type[HaarDetector], tuple[()]]:
        return type(self), ()

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        boxes, scores = self.raw_boxes(image)
        return Detections(HAAR_BOX(boxes).astype(np.float32), scores)

    def raw_boxes(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the cascade's own square boxes (N, 4) in the image frame and scores (N,), best first."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        gray, scale = shrink(gray, self._LONG_SIDE)
        with self._lock:
            found, _, weights = self._cascade.detectMultiScale3(
                gray,
                scaleFactor=1.1,
                minNeighbors=self._NEIGHBORS,
                minSize=(self._SMALLEST, self._SMALLEST),
                outputRejectLevels=True,
            )
        rectangles = np.asarray(found, np.float32).reshape(-1, 4)
        scores = np.asarray(weights, np.float32).reshape(-1)
        corners = np.concatenate([rectangles[:, :2], rectangles[:, :2] + rectangles[:, 2:]], axis=1)
        keep = suppress_overlaps(corners, scores, self._OVERLAP)
        return (corners[keep] / scale).astype(np.float32), scores[keep]


class YuNetDetector:
    """YuNet (Wu et al., "A Tiny Millisecond-level Face Detector", 2023), from a file that the user has.

    The file is OpenCV's `face_detection_yunet_2023mar.onnx`; it is not part of this project.
    """

    _LONG_SIDE = 640
    _OVERLAP = 0.3

    def __init__(self, path: str | Path, threshold: float = 0.6) -> None:
        """Load the file; boxes with a score below `threshold` are dropped.

        Raises:
            ModelError: the file does not exist, or is not YuNet.
        """
        if not Path(path).is_file():
            raise ModelError(f"the face detector {path} does not exist")
        try:
            self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), threshold, self._OVERLAP)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))  # `create` reads any network
        except cv2.error as error:
            raise ModelError(f"{path} is no face detector, neither ours nor YuNet: {error.err}") from error
        self._arguments = (path, threshold)
        self._lock = threading.Lock()  # the network keeps the size of the picture it works on

    def __reduce__(self) -> tuple[type[YuNetDetector], tuple[object, ...]]:
        return type(self), self._arguments

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        boxes, scores = self.raw_boxes(image)
        return Detections(YUNET_BOX(boxes).astype(np.float32), scores)

    def raw_boxes(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return YuNet's own boxes (N, 4) in the image frame and scores (N,), best first."""
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        bgr, scale = shrink(bgr, self._LONG_SIDE)
        with self._lock:
            self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
            _, found = self._net.detect(bgr)
        rows = np.empty((0, 15), np.float32) if found is None else found[np.argsort(-found[:, 14])]
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return (corners / scale).astype(np.float32), rows[:, 14].astype(np.float32)


class FkpDetector:
    """This project's own face detector, trained to give canonical boxes.

    `merge_boxes` turns the boxes of its cells into faces.

    Attributes:
        path: the detector's file.
        spec: the file's description of itself.
    """

    _FILE = "fkp-detector-int8.onnx"

    def __init__(self, path: str | Path | None = None, threads: int | None = None) -> None:
        """Load the detector.

        Args:
            path: an exported detector; None for the one of `detectors_folder()`.
            threads: threads of one run; None leaves it to ONNX Runtime.

        Raises:
            ModelError: the file is missing, damaged, or no detector.
        """
        self._arguments = (path, threads)
        self.path = Path(path or detectors_folder() / self._FILE)
        self._session = load_session(self.path, provider_names("cpu"), threads)
        if [output.name for output in self._session.get_outputs()] != list(DETECTOR_OUTPUT_NAMES):
            raise ModelError(f"the model {self.path} is not a face detector of this project")
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, "")
        try:
            self.spec = DetectorSpec.from_json(text)
        except SpecError as error:
            raise ModelError(f"the face detector {self.path} cannot be used: {error}") from error

    def __reduce__(self) -> tuple[type[FkpDetector], tuple[object, ...]]:
        return type(self), self._arguments

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        batch, scale = to_batch(image)
        try:
            boxes, scores = self._session.run(list(DETECTOR_OUTPUT_NAMES), {INPUT_NAME: batch})
        except Exception as error:  # ONNX Runtime's errors have no base class of their own
            raise ModelError(f"the face detector {self.path} failed on pixels {batch.shape[1:]}") from error
        boxes, scores = merge_boxes(boxes[0], scores[0], self.spec.threshold)
        return Detections((boxes / scale).astype(np.float32), scores)


DETECTORS: Mapping[str, Callable[[int | None], Detector]] = {
    "fkp": lambda threads: FkpDetector(threads=threads),
    "haar": lambda _: HaarDetector(),
}


def get_detector(name: str, threads: int | None = None) -> Detector:
    """Load a detector.

    Args:
        name: one of `DETECTORS`, or the path of a detector of this project or of YuNet.
        threads: threads of one run, for a detector of this project; None leaves it to ONNX Runtime.

    Raises:
        UsageError: no detector has that name, and it is not the path of an .onnx file.
        ModelError: the detector's file is missing or damaged.
    """
    if name in DETECTORS:
        return DETECTORS[name](threads)
    if Path(name).suffix == ".onnx":
        try:
            return FkpDetector(name, threads)
        except ModelError:
            return YuNetDetector(name)
    raise UsageError(f"unknown face detector {name!r}; known: {', '.join(DETECTORS)}, or an .onnx file")
