"""Whole pictures with all their faces: annotated ones, and a teacher's for the others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fkp.datasets import load
from fkp.datasets.catalog import NEGATIVES_FOLDER
from fkp.datasets.loading import annotated_training_sets
from fkp.datasets.pseudo_labels import labels_file, read_labels
from fkp.geometry import box_iou, points_box
from fkp.images import load_image

# A teacher's box that overlaps an annotated one this much is the same face.
_SAME_FACE = 0.35
# Neighboring frames of a video are nearly one picture.
_KEPT_FRAMES = 3
# In negatives only the teacher's most confident detections may be faces; the others are its mistakes.
_IN_NEGATIVES = 0.8
_UNSEEN = 10  # of so many negatives one is not trained on


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture and the faces in it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        faces: for each face its annotated landmarks (K, 2), image frame.
        sure: (N,) bool, whether a face is one for certain; where not, the loss ignores it.
    """

    image: NDArray[np.uint8]
    faces: list[NDArray]
    sure: NDArray[np.bool_]


class Pictures(NamedTuple):
    """Labeled training pictures.

    Attributes:
        people: with faces.
        negatives: without faces: objects, animals, print.
        unseen_negatives: some more, which are not trained on.
    """

    people: list[Picture]
    negatives: list[Picture]
    unseen_negatives: list[Picture]


def load_pictures(root: Path, sure: float) -> Pictures:
    """Every labeled training picture, decoded.

    Args:
        root: the data root.
        sure: the detector's score from which a teacher's face is one for certain.

    Raises:
        FileNotFoundError: nothing has been labeled yet.
    """
    annotated = defaultdict(list)
    for name in annotated_training_sets(root):
        for sample in load(name, root):
            annotated[sample.image.relative_to(root).as_posix()].append(sample.points)
    names = sorted(read_labels(labels_file()).items())
    frames = [name for name, _ in names if "/training/" in name]
    left_out = set(frames) - set(frames[::_KEPT_FRAMES])
    people: list[Picture] = []
    negatives: list[Picture] = []
    for name, labeled in tqdm(names, "decoding", unit="picture", disable=None):
        if name in left_out:
            continue
        faces = [points[np.isfinite(points).all(axis=1)] for points in annotated[name] if points is not None]
        certain = [True] * len(faces)
        boxes = np.array([points_box(points) for points in faces]).reshape(-1, 4)
        is_negative = name.startswith(f"{NEGATIVES_FOLDER}/")
        for face in labeled:
            if is_negative and face.score < _IN_NEGATIVES:
                continue
            if not len(boxes) or box_iou(points_box(face.points), boxes).max() < _SAME_FACE:
                faces.append(face.points)
                certain.append(face.score >= sure and not is_negative)
        picture = Picture(load_image(root / name), faces, np.array(certain, bool))
        (negatives if is_negative else people).append(picture)
    return Pictures(people, [p for i, p in enumerate(negatives) if i % _UNSEEN], negatives[::_UNSEEN])
