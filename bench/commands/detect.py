"""`python -m bench detect`: the face detectors side by side, and the landmarks in their boxes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import host
from bench.baselines import DETECTOR_BASELINES
from bench.cache import default_cache
from bench.candidates import find_candidates
from bench.commands.session import add_results
from bench.detectors import find_detectors
from bench.faces import TestSet
from bench.results import row_table, table, to_csv, write_rows
from bench.rows import DetectionRow
from bench.tasks import detection, end_to_end
from bench.tasks.scenes import TITLES, scene_sets
from fkp.atomic import write_text
from fkp.datasets.options import add_data, data_root
from fkp.errors import UsageError
from fkp.schemes import IBUG68

_LANDMARKS = "300w-common"  # the data set that the pictures "common" come from
_QUICK_FACES = 12
_HEADS = ("detector", "pictures of", "faces", "recall at 0.35, %", "at 0.5, %", "false boxes/picture", "ms")
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
    add("--yunet", type=Path, metavar="FILE", help="YuNet's .onnx file, for comparison")
    baselines = "others' detectors, see bench/baselines"
    add("--baselines", nargs="+", choices=DETECTOR_BASELINES, default=[], help=baselines)
    add("--model", default="fkp68-base", help="the landmark model (default: %(default)s)")
    add_data(parser)
    add("--quick", action="store_true", help="few pictures; keeps no results")
    add("--out", type=Path, default=Path("bench-out"), metavar="DIR", help="the boxes of single faces")
    add_results(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    root = data_root(args.data)
    models, problems = find_candidates([args.model], ["cpu"], 1)
    if problems:
        raise UsageError(problems[0])
    detectors = find_detectors(args.yunet, args.baselines)
    out = args.out / "quick" if args.quick else args.out
    results = out if args.quick else args.results
    cache = default_cache()
    sets = scene_sets(root, _QUICK_FACES if args.quick else None)
    rows: list[DetectionRow] = []
    common: dict[str, list[detection.FoundFace]] = {}
    for scene_set in sets:
        for name, measured in detection.measure(detectors, scene_set, cache).items():
            rows.append(measured.row)
            if scene_set.name == "common":
                common[name] = measured.faces
            _write_faces(out / "detect" / f"{scene_set.name}_{name}.csv", measured.faces)
    rows = detection.with_times(rows, detectors, sets, args.quick, cache)
    print(f"\nFace detectors; times on one core of {host.cpu_name()}")
    figures = [(r.faces, r.recall35, r.recall50, r.false_boxes, r.ms) for r in rows]
    named = [(r.model, TITLES[r.dataset]) for r in rows]
    print(table(_HEADS, [[*name, *values] for name, values in zip(named, figures, strict=True)]))
    write_rows(results, rows, host.host_kind(), host.today())
    if (model := models[0]).scheme is IBUG68:
        test_set = TestSet(_LANDMARKS, root, _QUICK_FACES if args.quick else None)
        landmarks = end_to_end.measure(model, detectors, common, test_set, cache)
        print(f"\n{model.name} on {_LANDMARKS}, in the boxes of each detector")
        print(row_table(landmarks, _BOXES_COLUMNS))
        write_rows(results, landmarks, host.host_kind(), host.today())
    return 0


@dataclass(frozen=True, slots=True)
class _FaceLine:
    """A line of the CSV of single faces."""

    id: str
    iou: float
    x0: float | None
    y0: float | None
    x1: float | None
    y1: float | None


def _write_faces(path: Path, faces: Sequence[detection.FoundFace]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [_FaceLine(face.id, face.iou, *(face.box or (None,) * 4)) for face in faces]
    write_text(path, to_csv(lines))
