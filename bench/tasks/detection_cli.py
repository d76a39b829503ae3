"""`python -m bench detect`: the face detectors side by side, and the landmarks in their boxes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import host
from bench.baselines import DETECTOR_BASELINES
from bench.cache import Cache, default_cache
from bench.candidates import Candidate, find_candidates
from bench.detectors import DetectorCandidate, find_detectors
from bench.faces import TestSet
from bench.results import RESULTS, table, to_csv, write_rows
from bench.tasks import detection, end_to_end
from bench.tasks.scenes import TITLES, scene_sets
from fkp.datasets.options import add_data, data_root
from fkp.schemes import IBUG68

_LANDMARKS = "300w-common"  # the data set that "common" pictures come from
_QUICK_FACES = 12
_COLUMNS = {
    "model": "detector",
    "title": "pictures of",
    "faces": "faces",
    "recall35": "recall at 0.35, %",
    "recall50": "at 0.5, %",
    "false_boxes": "false boxes/picture",
    "ms": "ms",
}
_BOXES_COLUMNS = {
    "boxes": "boxes of",
    "passes": "passes",
    "missed": "missed %",
    "nme": "NME %",
    "fr8": "FR@8 %",
    "auc8": "AUC@8 %",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `detect`."""
    words = "face detectors: recall, false boxes, time, and the landmark errors in their boxes"
    parser = commands.add_parser("detect", help=words, description=words)
    add = parser.add_argument
    add("--yunet", type=Path, metavar="FILE", help="YuNet's .onnx file, to be compared with")
    add(
        "--baselines",
        nargs="+",
        choices=DETECTOR_BASELINES,
        default=[],
        help="others' detectors, see bench/baselines",
    )
    add("--model", default="fkp68-base", help="the landmark model (default: %(default)s)")
    add_data(parser)
    add("--quick", action="store_true", help="few pictures; writes nothing that is kept")
    add("--out", type=Path, default=Path("bench-out"), metavar="DIR", help="the boxes of single faces")
    add("--results", type=Path, default=RESULTS, metavar="DIR", help="the CSVs to keep")
    parser.set_defaults(func=_detect)


def _detect(args: argparse.Namespace) -> int:
    root = data_root(args.data)
    models, problems = find_candidates([args.model], ["cpu"], 1)
    if problems:
        raise ValueError(problems[0])
    detectors = find_detectors(args.yunet, args.baselines)
    out = args.out / "quick" if args.quick else args.out
    results = out if args.quick else args.results
    run(detectors, models[0], root, args.quick, out, results, default_cache())
    return 0


def run(
    candidates: Sequence[DetectorCandidate],
    candidate: Candidate | None,
    root: Path,
    quick: bool,
    out: Path,
    results: Path,
    cache: Cache,
) -> None:
    """Measure, print the tables, and write the CSVs of all and of single faces.

    Args:
        candidates: the detectors.
        candidate: a model of 68 points that is tried in their boxes, None for none.
        root: the data root.
        quick: few pictures.
        out: gets a folder `detect` with the best box of every face.
        results: gets the rows.
        cache: what is known already.
    """
    sets = scene_sets(root, _QUICK_FACES if quick else None)
    rows: list[dict[str, Any]] = []
    common: dict[str, list[dict[str, Any]]] = {}
    for scene_set in sets:
        for name, measured in detection.measure(candidates, scene_set, cache).items():
            rows.append(measured["row"])
            if scene_set.name == "common":
                common[name] = measured["faces"]
            _write_faces(out / "detect" / f"{scene_set.name}_{name}.csv", measured["faces"])
    times = detection.measure_times(candidates, sets, quick, cache)
    for row in rows:
        row |= times.get((row["model"], row["dataset"]), {})
    titled = [row | {"title": TITLES[row["dataset"]]} for row in rows]
    print(f"\nFace detectors; times on one core of {host.cpu_name()}")
    print(table(titled, _COLUMNS))
    write_rows(results, "detect", host.host_kind(), host.today(), rows)
    if candidate is not None and candidate.scheme is IBUG68:
        test_set = TestSet(_LANDMARKS, root, _QUICK_FACES if quick else None)
        landmarks = end_to_end.measure(candidate, candidates, common, test_set, cache)
        print(f"\n{candidate.name} on {_LANDMARKS}, by whose boxes it gets")
        print(table(landmarks, _BOXES_COLUMNS))
        write_rows(results, "boxes", host.host_kind(), host.today(), landmarks)


def _write_faces(path: Path, faces: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for face in faces:
        sides = zip(("x0", "y0", "x1", "y1"), face["box"] or [None] * 4, strict=True)
        rows.append({"id": face["id"], "iou": face["iou"]} | dict(sides))
    path.write_text(to_csv(rows), encoding="utf-8")
