"""Face: the landmarks of one face, as the runtime returns them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkp.runtime.pose import Openings, Pose, head_pose, openings


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """The landmarks of one face.

    Attributes:
        points: (K, 2) float32, image frame.
        scores: (K,) float32 in [0, 1], 1 where the model has no confidence of its own.
        box: (4,) float32, the canonical face box (x0, y0, x1, y1) in which the points were predicted.
        box_score: the detector's score of that box; 1 where the caller gave the box.
        scheme: name of the points' landmark scheme.
        track: the identity of the face in its video, from 0 up; None in a single picture.
        reliable: whether the points can be trusted; None for models that do not judge that.
        visible: (K,) float32, the probability that each point can be seen, neither covered nor hidden by the
            head itself; None where the model does not say.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    box: NDArray[np.float32]
    box_score: float
    scheme: str
    track: int | None = None
    reliable: bool | None = None
    visible: NDArray[np.float32] | None = None

    @property
    def pose(self) -> Pose | None:
        """The pose of the head; None where the points do not determine it."""
        return head_pose(self.points, self.scheme)

    @property
    def openings(self) -> Openings | None:
        """How far eyes and mouth are open; None where the points do not determine it."""
        return openings(self.points, self.scheme)

    def to_dict(self) -> dict[str, Any]:
        """Return the face as plain lists and numbers for JSON; what is not known is None.

        Coordinates to a hundredth of a pixel, in the order of `fkp.runtime.results.CSV_COLUMNS`.
        """
        return {
            "track": self.track,
            "scheme": self.scheme,
            "box": _rounded(self.box, 2),
            "box_score": round(float(self.box_score), 4),
            "reliable": self.reliable,
            "pose": self._pose_dict(),
            "points": _rounded(self.points, 2),
            "scores": _rounded(self.scores, 4),
            "visible": None if self.visible is None else _rounded(self.visible, 4),
        }

    def _pose_dict(self) -> dict[str, float] | None:
        pose = self.pose
        if pose is None:
            return None
        return {"yaw": round(pose.yaw, 2), "pitch": round(pose.pitch, 2), "roll": round(pose.roll, 2)}

    def scaled(self, scale: float) -> Face:
        """The same face in a picture whose sides are `scale` times as long.

        The center of the first pixel is at 0, so it is the pixels' edges that scale.
        """
        points, box = ((array + 0.5) * scale - 0.5 for array in (self.points, self.box))
        return replace(self, points=points, box=box)


def _rounded(values: NDArray, digits: int) -> list:
    return np.round(values.astype(np.float64), digits).tolist()
