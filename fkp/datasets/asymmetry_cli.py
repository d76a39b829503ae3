"""`python -m fkp data asymmetry`: how far the labels of each source are shifted to one side."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fkp.datasets.conventions import Asymmetry, label_asymmetry, typical_inter_ocular
from fkp.datasets.loading import annotated_training_sets, load
from fkp.datasets.options import add_data, data_root, positive
from fkp.datasets.sample import Sample
from fkp.geometry import mirror_points
from fkp.images import load_image

if TYPE_CHECKING:
    from fkp.runtime.landmarker import Landmarker


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `asymmetry`."""
    parser = commands.add_parser(
        "asymmetry",
        help="measure how far the labels of each source are shifted to one side",
        description="The mean of a model's predictions for a face and its mirror image has no constant error "
        "in x. So the mean signed error belongs to the labels. fkp/datasets/catalog.py holds it as "
        "label_shift, which training and mirror averaging correct for. Only training faces are measured.",
    )
    add_data(parser)
    parser.add_argument("--model", default="fkp68-large", help="landmark model, name or path (fkp68-large)")
    parser.add_argument(
        "--most", type=positive, metavar="N", help="about N faces of each data set (default: all)"
    )
    parser.set_defaults(func=_asymmetry)


def _asymmetry(args: argparse.Namespace) -> int:
    # Here data meets a model: datasets and runtime stay apart otherwise.
    from fkp.runtime.landmarker import Landmarker

    root, landmarker = data_root(args.data), Landmarker(args.model)
    print(f"{'labels':24}{'shift':>8}{'error':>8}{'faces':>7}   percent of the inter-ocular distance")
    for name in annotated_training_sets(root):
        faces = [face for face in load(name, root) if face.scheme == landmarker.spec.scheme]
        faces = faces[:: max(1, len(faces) // (args.most or len(faces) or 1))]
        for part, found in asymmetries(landmarker, name, faces):
            print(f"{part:24}{found.shift:+8.2f}{found.error:8.2f}{found.faces:7}")
    return 0


def asymmetries(landmarker: Landmarker, name: str, faces: list[Sample]) -> Iterator[tuple[str, Asymmetry]]:
    """The asymmetry of a data set, and of each of its folders if they are few; nothing without faces."""
    if not faces:
        return
    progress = tqdm(faces, name, unit="face", leave=False, disable=None)
    predictions = np.stack(
        [mirror_averaged(landmarker, load_image(f.image), f.box[None])[0][0] for f in progress]
    )
    labels = np.stack([np.asarray(face.points) for face in faces])
    scale = typical_inter_ocular(np.stack([face.box for face in faces]))
    folders = np.array([face.id.split("/")[0] for face in faces])
    yield name, label_asymmetry(labels, predictions, scale)
    parts = sorted(set(folders))
    for part in parts if 1 < len(parts) < 10 else ():
        rows = folders == part
        yield f"  {part}", label_asymmetry(labels[rows], predictions[rows], scale[rows])


def mirror_averaged(
    landmarker: Landmarker, image: NDArray[np.uint8], boxes: NDArray
) -> tuple[NDArray, NDArray]:
    """Points (N, K, 2) and scores (N, K) of an RGB picture's faces (N, 4), averaged with those of its mirror
    image, so that constant errors in x cancel."""
    points, scores = landmarker.predict_with_scores(image, boxes)
    mirrored = boxes.copy()
    mirrored[:, [0, 2]] = image.shape[1] - 1 - boxes[:, [2, 0]]
    other, other_scores = landmarker.predict_with_scores(np.ascontiguousarray(image[:, ::-1]), mirrored)
    order = list(landmarker.scheme.mirror)
    back = np.reshape([mirror_points(p, image.shape[1], order) for p in other], points.shape)
    return (points + back) / 2, (scores + other_scores[:, order]) / 2
