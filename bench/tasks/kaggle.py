"""The models' scores in the Kaggle contest CS194-26, on the images whose points are public."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cache import Cache, cache_key, cached, folder_hash
from bench.candidates import Candidate
from bench.parallel import on_all_cores
from bench.protocol import is_reduced
from bench.rows import KaggleRow
from bench.tasks.submission import (
    Score,
    contest_images,
    find_xml,
    known_points,
    read_submission,
    score,
    write_submission,
)
from fkp.datasets import DLIB_BOX, Sample
from fkp.datasets.dlib_xml import read_dlib_xml
from fkp.errors import SubmissionError
from fkp.images import load_image
from fkp.runtime.landmarker import Landmarker

PROTOCOL = 1  # increase when the figures of the same files change


def measure(candidates: Sequence[Candidate], root: Path, out: Path, cache: Cache) -> list[KaggleRow]:
    """Write a submission of every 68-point model into `out`, and return the rows of their scores."""
    xml = find_xml(root)
    data = folder_hash(xml.parent)
    by_name = {candidate.name: candidate for candidate in candidates}
    files = {name: out / f"kaggle_{name}.csv" for name in by_name}
    keys = {c.name: cache_key("kaggle", PROTOCOL, model=c.names, data=data) for c in candidates}

    def decode(row: dict[str, Any]) -> KaggleRow | None:
        return KaggleRow(**row) if files[row["model"]].exists() else None  # else it is written again

    def measure_fresh(names: list[str]) -> dict[str, KaggleRow | None]:
        points, images = predict_contest([by_name[name] for name in names], xml)
        truth = known_points(xml)
        rows: dict[str, KaggleRow | None] = {}
        for name, prediction in zip(names, points, strict=True):
            write_submission(files[name], prediction)
            result = score(read_submission(files[name], len(images)), images, truth)
            rows[name] = _row(by_name[name], result)
        return rows

    return [row for row in cached(cache, keys, decode, measure_fresh).values() if row]


def predict_contest(candidates: Sequence[Candidate], xml: Path) -> tuple[list[NDArray], list[str]]:
    """Predictions (N, 68, 2) of each model in the boxes that the XML gives, and the images' names.

    Raises:
        DataError: a picture is missing or an entry broken.
        SubmissionError: an image has not exactly one box.
    """
    models = [_open(candidate) for candidate in candidates]
    samples = list(read_dlib_xml(xml, DLIB_BOX))
    names = contest_images(xml)
    if [sample.id for sample in samples] != names:
        raise SubmissionError(f"{xml} has images without a box or with several; each needs one")

    def predict(sample: Sample) -> list[NDArray]:
        image = load_image(sample.image)
        assert sample.given_box is not None  # the reader refuses entries without one
        box = DLIB_BOX(sample.given_box)  # never the tight box, which is made of the true points
        return [model.predict(image, box)[0] for model in models]

    points = on_all_cores(predict, samples, "Kaggle", "image")
    return [np.stack(predictions) for predictions in zip(*points, strict=True)], names


def _open(candidate: Candidate) -> Landmarker:
    """The XML's boxes are coarse, so a model predicts twice; those of the reports once, as they did there."""
    assert candidate.path is not None
    refine = candidate.refines and not is_reduced(candidate)
    return Landmarker(candidate.path, candidate.provider, candidate.threads, refine=refine)


def _row(candidate: Candidate, result: Score) -> KaggleRow:
    folders = {folder.replace("/", "_"): value for folder, value in result.folders.items()}
    return KaggleRow(
        **candidate.names,
        images=result.images,
        covered=result.covered,
        mae=result.mae,
        mae_of={**result.regions, **folders},
    )
