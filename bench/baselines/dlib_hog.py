"""dlib's frontal face detector as a baseline; requires `dlib`."""

from __future__ import annotations

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from bench.baselines.wire import serve
from fkp.datasets import DLIB_BOX

_LONG_SIDE = 640  # pixels of the picture that faces are searched in
_UPSAMPLED = 1  # times that it is doubled: the smallest face found is 80 pixels wide without


def main() -> None:
    """Serve boxes and scores (N, 5) until the pipe closes."""
    detector = dlib.get_frontal_face_detector()

    def find(image: NDArray[np.uint8]) -> NDArray:
        scale = min(1.0, _LONG_SIDE / max(image.shape))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found, scores, _ = detector.run(small, _UPSAMPLED)
        boxes = np.array([(r.left(), r.top(), r.right(), r.bottom()) for r in found]).reshape(-1, 4)
        return np.column_stack([DLIB_BOX(boxes / scale), np.array(scores)])

    serve("dlib", dlib.__version__, lambda image, boxes: find(image), find)


if __name__ == "__main__":
    main()
