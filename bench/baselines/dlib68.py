"""dlib's 68-point shape predictor as a baseline; requires `dlib` and `face_recognition_models`."""

from __future__ import annotations

import cv2
import dlib
import face_recognition_models
import numpy as np
from numpy.typing import NDArray

from bench.baselines.boxes import own_boxes
from bench.baselines.wire import serve
from fkp.datasets import DLIB_BOX

_LONG_SIDE = 800  # pixels of the picture that faces are searched in


def main() -> None:
    """Serve until the pipe closes."""
    predictor = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())
    detector = dlib.get_frontal_face_detector()

    def points_in(image: NDArray[np.uint8], boxes: NDArray) -> NDArray:
        points = np.empty((len(boxes), 68, 2))
        for row, box in zip(points, np.round(boxes).astype(int).tolist(), strict=True):
            row[:] = [(point.x, point.y) for point in predictor(image, dlib.rectangle(*box)).parts()]
        return points

    def predict(image: NDArray[np.uint8], boxes: NDArray) -> NDArray:
        return points_in(image, own_boxes(boxes, DLIB_BOX))

    def find(image: NDArray[np.uint8]) -> NDArray:
        scale = min(1.0, _LONG_SIDE / max(image.shape))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = [(r.left(), r.top(), r.right(), r.bottom()) for r in detector(small)]
        return points_in(image, np.array(found).reshape(-1, 4) / scale)

    serve("dlib", dlib.__version__, predict, find)


if __name__ == "__main__":
    main()
