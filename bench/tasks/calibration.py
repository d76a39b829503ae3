"""`python -m bench confidence`: whether a model's scores tell its bad answers, and what turned heads cost."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import host
from bench.candidates import Candidate, find_candidates
from bench.faces import TestSet, check_is_there
from bench.parallel import on_all_cores
from bench.results import RESULTS, table, write_rows
from bench.scores import FaceErrors, face_errors
from fkp import metrics
from fkp.datasets import Sample
from fkp.datasets.options import add_data, data_root
from fkp.images import load_image
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.pose import head_pose

TURNS = (15.0, 30.0)  # degrees, between the groups of faces
_COLUMNS = {
    "model": "model",
    "group": "faces",
    "faces": "number",
    "nme": "NME %",
    "fr8": "FR@8 %",
    "score": "score",
    "rank_correlation": "rank correlation",
    "point_rank_correlation": "of single points",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `confidence`."""
    words = "whether the scores rank the errors, and the errors by head turn (true boxes, one pass)"
    parser = commands.add_parser("confidence", help=words, description=words)
    add = parser.add_argument
    add(
        "--models",
        nargs="+",
        metavar="MODEL",
        help="names or .onnx files (default: all exported ones with such points)",
    )
    add("--dataset", default="300w-common", metavar="NAME", help="data set (default: %(default)s)")
    add_data(parser)
    add("--results", type=Path, default=RESULTS, metavar="DIR", help="the CSVs to keep")
    parser.set_defaults(func=_confidence)


def _confidence(args: argparse.Namespace) -> int:
    root = data_root(args.data)
    check_is_there(args.dataset, root)
    test_set = TestSet(args.dataset, root)
    candidates, problems = find_candidates(args.models, ["cpu"], 1)
    if problems:
        raise ValueError(problems[0])
    able = [candidate for candidate in candidates if candidate.scheme.name == test_set.scheme]
    if not able:
        raise ValueError(f"none of the models has the points of {args.dataset}, {test_set.scheme}")
    rows = [row for candidate in able for row in measure(candidate, test_set)]
    print(table(rows, _COLUMNS))
    for path in write_rows(args.results, "confidence", host.host_kind(), host.today(), rows):
        print(path)
    return 0


def measure(candidate: Candidate, test_set: TestSet) -> list[dict[str, Any]]:
    """A row for every group of a data set's faces."""
    predictor = candidate.open()
    assert isinstance(predictor, Landmarker)

    def predict(face: Sample) -> tuple[NDArray, NDArray]:
        points, scores = predictor.predict_with_scores(load_image(face.image), face.box[None])
        return points[0], scores[0]

    answers = on_all_cores(predict, test_set.faces, f"{candidate.name}'s scores", "face")
    points, scores = (np.stack(part) for part in zip(*answers, strict=True))
    scheme = candidate.scheme.name
    errors = face_errors(points, scheme, test_set.faces, scheme)
    names = candidate.names | {"dataset": test_set.name, "scheme": scheme}
    return [names | row for row in figures(errors, scores, turns(test_set.faces))]


def turns(faces: list[Sample]) -> NDArray[np.float64]:
    """How far each head is turned aside, (N,) degrees, estimated from its true points; NaN: unknown."""
    found = []
    for face in faces:
        pose = None if face.points is None else head_pose(face.points, face.scheme)
        found.append(np.nan if pose is None else abs(pose.yaw))
    return np.array(found)


def figures(errors: FaceErrors, scores: NDArray, turn: NDArray) -> Iterator[dict[str, Any]]:
    """What the scores (N, K) say of the errors: of all faces, of the least and the most sure tenth of
    them, and of the heads that are turned (N,) degrees."""
    nme, sure = errors.nme, scores.mean(axis=1)
    relative = errors.distance / errors.normalizer[:, None]
    yield _row("all", nme, sure) | {
        "rank_correlation": rank_correlation(sure, nme),
        # Some points are harder than others everywhere, so each is ranked among its own.
        "point_rank_correlation": float(
            np.mean([rank_correlation(s, e) for s, e in zip(scores.T, relative.T, strict=True)])
        ),
    }
    order, tenth = np.argsort(sure, kind="stable"), max(1, len(sure) // 10)
    yield _row("least sure tenth", nme[order[:tenth]], sure[order[:tenth]])
    yield _row("most sure tenth", nme[order[-tenth:]], sure[order[-tenth:]])
    edges = [0.0, *TURNS, np.inf]
    for low, high in itertools.pairwise(edges):
        inside = (turn >= low) & (turn < high)
        if inside.any():
            name = f"turned {low:.0f}-{high:.0f} deg" if np.isfinite(high) else f"turned {low:.0f}+ deg"
            yield _row(name, nme[inside], sure[inside])


def _row(group: str, nme: NDArray, sure: NDArray) -> dict[str, Any]:
    return {
        "group": group,
        "faces": len(nme),
        "nme": float(nme.mean()),
        "fr8": metrics.failure_rate(nme),
        "score": float(sure.mean()),
    }


def rank_correlation(a: NDArray, b: NDArray) -> float:
    """Spearman's correlation of two (N,) arrays; 0 where one of them is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: NDArray) -> NDArray[np.float64]:
    """The place of each value among all, equal ones in the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
