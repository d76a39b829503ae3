"""`python -m bench kaggle submit | score`, and the part of a full run that scores every model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, code_hash, folder_hash
from bench.candidates import Candidate, find_candidates
from bench.parallel import on_all_cores
from bench.protocol import is_brief
from bench.results import table
from bench.tasks import kaggle
from fkp.datasets import DLIB_BOX, Sample, find_data_root
from fkp.datasets.dlib_xml import read_dlib_xml
from fkp.images import load_image
from fkp.runtime.landmarker import Landmarker
from fkp.schemes import IBUG68


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `kaggle` with its two commands."""
    parser = commands.add_parser("kaggle", help="submissions for the Kaggle contest CS194-26")
    parts = parser.add_subparsers(required=True, metavar="COMMAND")
    submit = parts.add_parser("submit", help="predict the contest's images and write the CSV")
    submit.add_argument("--model", required=True, help="a name of exported/index.json, or an .onnx file")
    submit.add_argument(
        "--data", type=Path, metavar="DIR", help="data root (default: $FKP_DATA, then ./data), folder or XML"
    )
    submit.add_argument("--out", type=Path, required=True, metavar="CSV", help="the file to write")
    submit.set_defaults(func=_submit)
    score = parts.add_parser("score", help="check submissions, score them and compare them")
    score.add_argument("submissions", type=Path, nargs="+", metavar="CSV", help="one, or some to compare")
    score.add_argument("--truth", type=Path, required=True, metavar="PATH", help="XML, or its folder")
    score.add_argument("--images", type=Path, metavar="XML", help="the list of images, if another")
    score.set_defaults(func=_score)


def _submit(args: argparse.Namespace) -> int:
    candidates, problems = find_candidates([args.model], None, 1)
    if problems:
        raise kaggle.SubmissionError(problems[0])
    (candidate,) = candidates
    if candidate.scheme is not IBUG68:
        raise kaggle.SubmissionError(
            f"{candidate.name} predicts {candidate.scheme.name}; the contest wants {IBUG68.name}"
        )
    if (data := args.data or find_data_root(None)) is None:
        raise kaggle.SubmissionError("say with --data DIR, or in FKP_DATA, where the contest's data is")
    points, names = predict_contest([_open(candidate)], kaggle.find_xml(data))
    kaggle.write_submission(args.out, points[0])
    kaggle.read_submission(args.out, len(names))
    print(f"{args.out}: {len(names)} images, {points[0].size} values, valid")
    return 0


def _score(args: argparse.Namespace) -> int:
    xml = kaggle.find_xml(args.truth)
    images = kaggle.contest_images(kaggle.find_xml(args.images) if args.images else xml)
    truth = kaggle.known_points(xml)
    submissions = [kaggle.read_submission(path, len(images)) for path in args.submissions]
    scores = [kaggle.score(points, images, truth) for points in submissions]
    print(describe(scores, [path.name for path in args.submissions]))
    return 0


def describe(scores: Sequence[kaggle.Score], titles: Sequence[str]) -> str:
    """The scores side by side; with two of them, a column of differences."""
    first = scores[0]
    share = first.covered / first.images
    lines = [("all", [s.mae for s in scores])]
    lines += [(region, [s.regions[region] for s in scores]) for region in first.regions]
    lines += [(f"{name} ({first.counts[name]})", [s.folders[name] for s in scores]) for name in first.folders]
    columns = {"what": "MAE, pixels"} | {str(i): title for i, title in enumerate(titles)}
    rows: list[dict[str, Any]] = [{"what": w} | {str(i): v for i, v in enumerate(vs)} for w, vs in lines]
    if len(scores) == 2:
        columns["difference"] = "difference"
        for row in rows:
            row["difference"] = row["1"] - row["0"]
    covered = f"points are known for {first.covered} of {first.images} images ({share:.0%})"
    return f"{table(rows, columns)}\n{covered}"


def predict_contest(predictors: Sequence[Landmarker], xml: Path) -> tuple[list[NDArray], list[str]]:
    """Predictions (N, 68, 2) of each model in the boxes that stand in the XML, and the images' names.

    Raises:
        DataError: a picture is missing or an entry broken.
    """
    samples = list(read_dlib_xml(xml, DLIB_BOX))

    def predict(sample: Sample) -> list[NDArray]:
        image = load_image(sample.image)
        assert sample.given_box is not None  # the reader refuses entries without one
        box = DLIB_BOX(sample.given_box)  # never the tight box, which knows the answer
        return [predictor.predict(image, box)[0] for predictor in predictors]

    points = on_all_cores(predict, samples, "Kaggle", "image")
    return [np.stack(answers) for answers in zip(*points, strict=True)], [sample.id for sample in samples]


def measure(candidates: Sequence[Candidate], root: Path, out: Path, cache: Cache) -> list[dict[str, Any]]:
    """Write a submission of every 68-point model into `out`, and return the rows of their scores."""
    xml = kaggle.find_xml(root)
    fingerprint = folder_hash(xml.parent)
    code = code_hash(__file__)
    shared = {"part": "kaggle", "data": fingerprint, "code": code}
    keys = {c.name: shared | {"model": c.identity} for c in candidates}
    files = {c.name: out / f"kaggle_{c.name}.csv" for c in candidates}
    rows = {name: row for name, key in keys.items() if files[name].exists() and (row := cache.load(key))}
    fresh = [c for c in candidates if c.name not in rows]
    if fresh:
        points, names = predict_contest([_open(c) for c in fresh], xml)
        truth = kaggle.known_points(xml)
        for candidate, prediction in zip(fresh, points, strict=True):
            kaggle.write_submission(files[candidate.name], prediction)
            result = kaggle.score(kaggle.read_submission(files[candidate.name], len(names)), names, truth)
            rows[candidate.name] = _row(candidate, result)
            cache.store(keys[candidate.name], rows[candidate.name])
    return [rows[c.name] for c in candidates]


def _open(candidate: Candidate) -> Landmarker:
    """The XML's boxes are coarse, so a model looks twice, but those of the reports as they did there."""
    assert candidate.path is not None
    refine = candidate.refines and not is_brief(candidate)
    return Landmarker(candidate.path, candidate.provider, candidate.threads, refine=refine)


def _row(candidate: Candidate, result: kaggle.Score) -> dict[str, Any]:
    row: dict[str, Any] = candidate.names | {
        "images": result.images,
        "covered": result.covered,
        "mae": result.mae,
    }
    row |= {f"mae_{region}": value for region, value in result.regions.items()}
    return row | {f"mae_{folder.replace('/', '_')}": value for folder, value in result.folders.items()}
