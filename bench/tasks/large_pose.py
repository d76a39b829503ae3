"""`python -m bench large-pose`: errors at any head turn, and which points a model knows to be visible."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import host
from bench.candidates import Candidate, find_candidates
from bench.faces import check_is_there
from bench.parallel import on_all_cores
from bench.results import RESULTS, table, write_rows
from fkp.datasets import Sample, load
from fkp.datasets.conventions import box_size, style_offsets, translate
from fkp.datasets.options import add_data, data_root
from fkp.images import load_image
from fkp.large_pose import POSE_GROUPS, partial_nme, visibility_figures
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.sessions import Outputs

TEST_SET, FITTED_ON = "merl-rav-test", "merl-rav-train"
_COLUMNS = {
    "model": "model",
    "pose": "head",
    "faces": "faces",
    "nme": "error %",
    "nme_same_style": "in its style %",
    "auc_hidden": "AUC hidden",
    "auc_covered": "AUC covered",
    "calibration_error": "calibration error",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `large-pose`."""
    parser = commands.add_parser(
        "large-pose",
        help="errors at any head turn, and which points can be seen",
        description=f"Errors of the annotated points of {TEST_SET} over the square root of their box's area, "
        "with true boxes in one pass: as they are, and after each point's mean offset between the model's "
        f"style of annotation and the data set's, fitted on {FITTED_ON}. ROC-AUC of visible points against "
        "those that the head hides and against covered ones, where a model says which are visible.",
    )
    words = "names or .onnx files (default: all exported ones with such points)"
    parser.add_argument("--models", nargs="+", metavar="MODEL", help=words)
    add_data(parser)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="the CSVs to keep")
    parser.set_defaults(func=_large_pose)


def _large_pose(args: argparse.Namespace) -> int:
    root = data_root(args.data)
    for name in (TEST_SET, FITTED_ON):
        check_is_there(name, root)
    test, fitting = load(TEST_SET, root), load(FITTED_ON, root)
    candidates, problems = find_candidates(args.models, ["cpu"], 1)
    if problems:
        raise ValueError(problems[0])
    able = [candidate for candidate in candidates if candidate.scheme.name == test[0].scheme]
    if not able:
        raise ValueError(f"none of the models has the points of {TEST_SET}, {test[0].scheme}")
    rows = [row for candidate in able for row in measure(candidate, test, fitting)]
    print(table(rows, _COLUMNS))
    for path in write_rows(args.results, "large-pose", host.host_kind(), host.today(), rows):
        print(path)
    return 0


def measure(
    candidate: Candidate, test: Sequence[Sample], fitting: Sequence[Sample]
) -> Iterator[dict[str, Any]]:
    """A row for all test faces, and for each group of poses; offsets of style are fitted on other faces."""
    answers = predict(candidate, test)
    offsets = style_offsets(stack(fitting), predict(candidate, fitting).points, boxes(fitting))
    for row in figures(answers, test, offsets):
        yield candidate.names | {"dataset": TEST_SET} | row


def predict(candidate: Candidate, faces: Sequence[Sample]) -> Outputs:
    """What a candidate says of faces in their true boxes, in one pass."""
    predictor = candidate.open()

    def answer(face: Sample) -> Outputs:
        image, box = load_image(face.image), face.box[None]
        if isinstance(predictor, Landmarker):
            return predictor.predict_all(image, box)
        points = predictor.predict(image, box)
        return Outputs(points, np.ones(points.shape[:2], np.float32), None)

    found = on_all_cores(answer, faces, f"{candidate.name} at any head turn", "face")
    visible = None if found[0].visible is None else np.concatenate([a.visible for a in found])
    return Outputs(
        np.concatenate([a.points for a in found]), np.concatenate([a.scores for a in found]), visible
    )


def figures(answers: Outputs, faces: Sequence[Sample], offsets: NDArray) -> Iterator[dict[str, Any]]:
    """The figures of all faces, and of each group of poses.

    Args:
        answers: for each face.
        faces: with poses and states.
        offsets: (K, 2) from the data set's style of annotation to the model's, see `style_offsets`.
    """
    truth, where = stack(faces), boxes(faces)
    size = box_size(where)
    plain = partial_nme(answers.points, truth, size)
    same_style = partial_nme(answers.points, translate(truth, answers.points, where, offsets), size)
    states = np.stack([np.asarray(face.state) for face in faces])
    groups = np.array([POSE_GROUPS[face.pose or ""] for face in faces])
    for group in ("all", *dict.fromkeys(POSE_GROUPS.values())):
        chosen = (groups == group) | (group == "all")
        if chosen.any():
            seen = (
                {} if answers.visible is None else visibility_figures(answers.visible[chosen], states[chosen])
            )
            yield {
                "pose": group,
                "faces": int(chosen.sum()),
                "nme": float(plain[chosen].mean()),
                "nme_same_style": float(same_style[chosen].mean()),
                "auc_hidden": seen.get("auc_hidden", float("nan")),
                "auc_covered": seen.get("auc_covered", float("nan")),
                "calibration_error": seen.get("calibration_error", float("nan")),
            }


def stack(faces: Sequence[Sample]) -> NDArray:
    """Points (N, K, 2), NaN where one is not annotated."""
    return np.stack([np.asarray(face.points) for face in faces])


def boxes(faces: Sequence[Sample]) -> NDArray:
    """Boxes (N, 4)."""
    return np.stack([face.box for face in faces])
