"""`python -m fkp data`: download public data sets, check data, label pictures, fit boxes."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fkp.atomic import write_text
from fkp.datasets import asymmetry_cli
from fkp.datasets.asymmetry_cli import mirror_averaged
from fkp.datasets.box_fitting import fit_box_map
from fkp.datasets.catalog import DATASETS, NEGATIVES_FOLDER, YUNET_FILE
from fkp.datasets.download import ARCHIVES, get
from fkp.datasets.head_fitting import HEADS, fit_head
from fkp.datasets.inventory import check, find_sources, table
from fkp.datasets.loading import available, load, training_pictures
from fkp.datasets.negatives import gather
from fkp.datasets.options import add_data, data_root, positive
from fkp.datasets.pseudo_labels import PseudoLabel, append_label, labels_file, resume_labels
from fkp.datasets.sample import Sample
from fkp.errors import ImageError, UsageError
from fkp.images import load_image
from fkp.schemes import SCHEMES

if TYPE_CHECKING:
    from fkp.runtime.landmarker import Landmarker

_FIT_ON = "ibug-train"
_SHOWN_PROBLEMS = 20
_DOUBTFUL = 0.3  # boxes that score less are not labeled at all


_HELP = """\
A data root is a folder that holds the data sets, each in a folder of its own. It is named by --data, else
by $FKP_DATA, else it is ./data.

examples:
  python -m fkp data get ibug          download 300-W into the data root; also: imm, ytf
  python -m fkp data check data        list what can be read there, and what is wrong with it
  python -m fkp data check my.xml      check your own annotations: a file of dlib's imglab, or a folder
                                       of pictures with .pts files
  python -m fkp data label             label the training pictures with a teacher"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add `data` with its own commands."""
    sets = "\n".join(f"  {name:<18}{dataset.title}" for name, dataset in DATASETS.items())
    parser = subparsers.add_parser(
        "data",
        description="Download, check and label the data sets that models are trained and measured on.",
        epilog=f"{_HELP}\n\ndata sets:\n{sets}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_check(commands)
    _add_get(commands)
    _add_fit_boxes(commands)
    _add_fit_heads(commands)
    _add_label(commands)
    _add_negatives(commands)
    asymmetry_cli.add_parser(commands)


def _add_check(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "check",
        help="list what can be read, and what is wrong with it",
        description="Read all annotations and decode all pictures; exit with 1 if something is wrong.",
    )
    parser.add_argument("path", type=Path, help="a data root, a data set's folder, or a file of dlib's XML")
    parser.add_argument("--skip-broken", action="store_true", help="exit with 0 even if something is wrong")
    parser.set_defaults(func=_check)


def _add_get(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("get", help="download a public data set, or continue a download")
    parser.add_argument("name", choices=ARCHIVES, help="the data set")
    default = Path(os.environ.get("FKP_DATA") or "data")
    parser.add_argument(
        "--out", type=Path, default=default, metavar="DIR", help="data root (default: $FKP_DATA, then data/)"
    )
    parser.set_defaults(func=_get)


def _add_fit_boxes(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "fit-boxes", help="fit the maps from face detectors' boxes to the landmarks' tight boxes"
    )
    add_data(parser)
    parser.set_defaults(func=_fit_boxes)


def _add_fit_heads(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "fit-heads",
        help="learn the head models for pose estimation, and write them into the package",
        description="For each landmark scheme, learn a 3-D head from training faces with known yaw, its "
        "correction from annotated and predicted points, and its spread of errors from the validation parts.",
    )
    add_data(parser)
    parser.add_argument(
        "--model", default="fkp68-base", help="the model for whose points the yaw is corrected (%(default)s)"
    )
    parser.set_defaults(func=_fit_heads)


def _add_label(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "label",
        help="label the faces in every training picture with a teacher",
        description="Write one line for each picture: the faces that YuNet finds, and the points that a "
        "landmark model predicts for them, averaged with those of the mirrored picture. The data sets "
        "helen-labelled and ytf-labelled and the face detector's training read these labels. An existing "
        "file of labels is continued; any other file is refused.",
    )
    add_data(parser)
    parser.add_argument("--model", default="fkp68-large", help="landmark model, name or path (fkp68-large)")
    parser.add_argument("--yunet", type=Path, metavar="FILE", help=f"default: {YUNET_FILE} in the data root")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: $FKP_LABELS, runs/labels.jsonl")
    parser.set_defaults(func=_label)


def _add_negatives(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "negatives",
        help="copy pictures without people, for training the face detector",
        description="Copy pictures of objects, animals and print from your folders into "
        f"{NEGATIVES_FOLDER}/ of the data root, shrunk to 640 pixels. Run `python -m fkp data label` "
        "afterwards, which finds any people in them.",
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="with its subfolders")
    most = "at most N pictures of each folder (default: %(default)s)"
    parser.add_argument("--most", type=positive, default=500, metavar="N", help=most)
    add_data(parser)
    parser.set_defaults(func=_negatives)


def _check(args: argparse.Namespace) -> int:
    if not args.path.exists():
        raise FileNotFoundError(f"{args.path} is not there")
    sources = find_sources(args.path)
    if not sources:
        raise UsageError(f"{args.path} holds no known layout (dlib's XML, .pts, the YTF CSVs, IMM's .asf)")
    findings = [check(source) for source in sources]
    problems = [problem for finding in findings for problem in finding.problems]
    lines = [table(findings)]
    if names := available(args.path):
        lines.append(f"data sets there: {', '.join(names)}")
    lines += map(str, problems[:_SHOWN_PROBLEMS])
    if len(problems) > _SHOWN_PROBLEMS:
        lines.append(f"... and {len(problems) - _SHOWN_PROBLEMS} more")
    found = f"{'skipped' if args.skip_broken else 'wrong'}: {len(problems)}"
    lines.append(found if problems else "nothing is wrong")
    print("\n".join(lines).encode("utf-8", "backslashreplace").decode())  # names of files need not be UTF-8
    return 1 if problems and not args.skip_broken else 0


def _get(args: argparse.Namespace) -> int:
    folder = get(ARCHIVES[args.name], args.out)
    print(f"{folder} is ready; check it with `python -m fkp data check {args.out}`")
    return 0


def _fit_boxes(args: argparse.Namespace) -> int:
    # Here data meets a detector: datasets and runtime stay apart otherwise.
    from fkp.runtime.detectors import HaarDetector, YuNetDetector

    root = data_root(args.data)
    samples = load(_FIT_ON, root)
    detectors: dict[str, HaarDetector | YuNetDetector] = {"HAAR_BOX": HaarDetector()}
    if (root / YUNET_FILE).is_file():
        detectors["YUNET_BOX"] = YuNetDetector(root / YUNET_FILE)
    sources: dict[str, Iterable[NDArray]] = {
        "DLIB_BOX": (np.array([sample.given_box]) for sample in samples),
    }
    for name, detector in detectors.items():
        sources[name] = (
            detector.raw_boxes(load_image(s.image))[0] for s in tqdm(samples, name, leave=False, disable=None)
        )
    for name, found in sources.items():
        box_map, count = fit_box_map(samples, found)
        print(f"{name} = {box_map}  # {count} of {len(samples)} faces, {DATASETS[_FIT_ON].title}")
    return 0


def _fit_heads(args: argparse.Namespace) -> int:
    # As above: here a runtime model predicts points.
    from fkp.runtime.landmarker import Landmarker
    from fkp.runtime.pose import HEADS_FILE, head_row

    root, landmarker = data_root(args.data), Landmarker(args.model)

    def predict(face: Sample) -> NDArray:
        return landmarker.predict(load_image(face.image), face.box[None])[0]

    rows = {}
    for scheme, (training, validation) in HEADS.items():
        model, *faces = fit_head(
            load(training, root),
            load(validation, root),
            SCHEMES[scheme],
            predict if scheme == landmarker.scheme.name else None,
        )
        print(f"{scheme}: {faces[0]} faces of {training}, {faces[1]} of {validation}")
        rows[scheme] = head_row(model)
    lines = ",\n".join(f"{json.dumps(scheme)}: {json.dumps(row)}" for scheme, row in rows.items())
    write_text(HEADS_FILE, f"{{\n{lines}\n}}\n")
    print(f"wrote {HEADS_FILE}")
    return 0


def _label(args: argparse.Namespace) -> int:
    # As above: here runtime models write what data sets read.
    from fkp.runtime.detectors import YuNetDetector
    from fkp.runtime.landmarker import Landmarker

    root = data_root(args.data)
    out = args.out or labels_file()
    done = resume_labels(out)
    detector = YuNetDetector(args.yunet or root / YUNET_FILE, threshold=_DOUBTFUL)
    landmarker = Landmarker(args.model, detector=detector, refine=True)
    names = [path.relative_to(root).as_posix() for path in training_pictures(root)]
    left = [name for name in names if name not in done]
    for name in tqdm(left, "labeling", unit="picture", disable=None):
        try:
            append_label(out, name, label_picture(landmarker, load_image(root / name)))
        except ImageError as error:
            raise ImageError(f"{error}; the pictures before it are labeled in {out}") from error
    print(f"{len(names)} pictures are labeled in {out}")
    return 0


def label_picture(landmarker: Landmarker, image: NDArray[np.uint8]) -> list[PseudoLabel]:
    """The faces of an RGB picture (H, W, 3): points and scores are means over it and its mirror image."""
    found = landmarker.detect(image)
    points, scores = mirror_averaged(landmarker, image, found.boxes)
    return [
        PseudoLabel(float(score), float(sure), p, landmarker.spec.scheme)
        for score, sure, p in zip(found.scores, scores.mean(axis=1), points, strict=True)
    ]


def _negatives(args: argparse.Namespace) -> int:
    if missing := [str(folder) for folder in args.folders if not folder.is_dir()]:
        raise FileNotFoundError(f"no such folder: {', '.join(missing)}")
    out = data_root(args.data) / NEGATIVES_FOLDER
    copied, skipped = gather(args.folders, out, args.most)
    print(f"{copied} pictures are in {out}; {skipped} could not be read or are too small")
    return 0
