"""`python -m fkp align`: faces of pictures and folders, cut out upright and at one scale."""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from fkp.errors import AlignmentError, FkpError, UsageError
from fkp.images import load_image
from fkp.runtime.alignment import ARCFACE_SIZE, TEMPLATES, align
from fkp.runtime.inputs import find_files, is_video, unique_stems
from fkp.runtime.landmarker import Landmarker
from fkp.schemes import IBUG68

_MODEL = "fkp68-base-int8"

_EXAMPLE = """\
example:
  python -m fkp align holiday.jpg photos/ --template arcface --out crops

writes into the folder crops:
  holiday.png    the face; further faces are holiday_1.png, ...
  crops.csv      the picture of each crop, the number of the face in it, and the transform from the picture to
                 the crop: x' = a x + b y + c, y' = d x + e y + f, pixel centers at integers

exits with 1 where one of the pictures failed, and with 2 where nothing could be started
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command `align`."""
    parser = subparsers.add_parser(
        "align",
        description="Cut all faces out of pictures, aligned for recognition, generation or expression "
        "models. Faces that cannot be aligned are skipped and counted.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("inputs", nargs="+", type=Path, metavar="INPUT", help="a picture or a folder of pictures")
    add("--out", required=True, type=Path, metavar="DIR", help="folder for the crops, made if missing")
    add("--template", choices=TEMPLATES, default="arcface", help="default: %(default)s")
    add("--size", type=int, default=ARCFACE_SIZE, metavar="PIXELS", help="side of a crop (%(default)s)")
    add("--model", default=_MODEL, help="a model of the 68 points, name or .onnx file (%(default)s)")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Align the faces of every picture; 1 where a picture failed.

    Raises:
        FkpError: nothing could be started.
    """
    files = [file for file in find_files(args.inputs, args.out).files if not is_video(file)]
    if not files:
        raise UsageError("align takes pictures; these are videos")
    landmarker = Landmarker(args.model)
    if landmarker.scheme != IBUG68:
        raise UsageError(f"alignment needs the 68 points; {args.model} finds {landmarker.scheme.name}")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {args.out} cannot be made a folder: {error.strerror}") from error
    written, skipped, failures = 0, Counter[str](), []
    with (args.out / "crops.csv").open("w", encoding="utf-8", newline="") as table:
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("image", "face", "crop", *"abcdef"))
        for file, stem in tqdm(list(zip(files, unique_stems(files), strict=True)), unit="file", disable=None):
            try:
                image = load_image(file)
                faces = landmarker(image)
            except (FkpError, OSError) as error:
                failures.append(str(error) if str(file) in str(error) else f"{file}: {error}")
                continue
            if not faces:
                skipped["no face found in the picture"] += 1
            for number, face in enumerate(faces):
                try:
                    aligned = align(image, face, args.size, args.template)
                except AlignmentError as error:
                    skipped[str(error)] += 1
                    continue
                name = f"{stem}_{number}.png" if number else f"{stem}.png"
                Image.fromarray(aligned.crop).save(args.out / name)
                numbers = (f"{value:.6g}" for value in aligned.matrix[:2].ravel())
                rows.writerow((str(file), number, name, *numbers))
                written += 1
    plural = "" if written == 1 else "s"
    print(f"{written} face{plural} of {len(files) - len(failures)} of {len(files)} files -> {args.out}")
    for reason, count in skipped.most_common():
        print(f"skipped {count}: {reason}")
    for reason in failures:
        print(f"failed: {reason}", file=sys.stderr)
    return 1 if failures else 0
