"""MediaPipe's face mesh as a baseline of 68 points; requires `mediapipe` 0.10."""

from __future__ import annotations

import mediapipe
import numpy as np
from mediapipe.python.solutions.face_mesh import FaceMesh
from numpy.typing import NDArray

from bench.baselines.wire import serve
from fkp.geometry import crop_transform, from_unit, invert, transform_points, warp

_SIDE = 384
_MARGIN = 2.0  # its own face detector wants to see some surroundings

# For the jaw the vertices of the mesh's face oval that are in common use for it; for each of the 51 inner
# points the vertex that is nearest on average over 391 of the 300-W training faces. The oval stays inside
# the jaw line that 300-W draws, so the jaw fits worst. (Nearest vertices for the jaw too would lie on the
# cheeks, on no line of the mesh's own, and make the error of all 68 points a third of a percent less.)
MESH_OF_68 = (
    *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),
    *(70, 63, 105, 66, 55),
    *(336, 296, 334, 293, 300),
    *(168, 197, 195, 4),
    *(75, 97, 2, 326, 460),
    *(7, 159, 158, 155, 153, 144),
    *(382, 385, 387, 263, 373, 380),
    *(61, 39, 37, 11, 267, 304, 291, 321, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
)


def main() -> None:
    """Serve until the pipe closes."""
    mesh = FaceMesh(True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.1)

    def predict(image: NDArray[np.uint8], boxes: NDArray) -> NDArray:
        points = np.full((len(boxes), len(MESH_OF_68), 2), np.nan, np.float32)
        for i, box in enumerate(boxes):
            matrix = crop_transform(box, (_SIDE, _SIDE), _MARGIN)
            found = mesh.process(warp(image, matrix, (_SIDE, _SIDE))).multi_face_landmarks
            if found:
                unit = np.array([(found[0].landmark[k].x, found[0].landmark[k].y) for k in MESH_OF_68])
                points[i] = transform_points(invert(matrix), from_unit(unit, (_SIDE, _SIDE)))
        return points

    everywhere = FaceMesh(True, max_num_faces=8, refine_landmarks=True, min_detection_confidence=0.1)

    def find(image: NDArray[np.uint8]) -> NDArray:
        faces = everywhere.process(image).multi_face_landmarks or []
        unit = np.array([[(f.landmark[k].x, f.landmark[k].y) for k in MESH_OF_68] for f in faces])
        return from_unit(unit.reshape(-1, len(MESH_OF_68), 2), image.shape[:2])

    serve("mediapipe", mediapipe.__version__, predict, find)


if __name__ == "__main__":
    main()
