"""`python -m fkp predict`: landmarks for pictures, folders and videos."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from fkp.errors import FkpError, UsageError
from fkp.images import load_image
from fkp.runtime.drawing import draw
from fkp.runtime.index import DEFAULT_MODEL
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.results import ResultWriter, to_pts

_IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".ppm", ".pgm"}
_VIDEOS = {".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv"}

_EXAMPLE = """\
example:
  python -m fkp predict holiday.jpg photos/ clip.mp4 --out landmarks

writes into the folder landmarks:
  faces.json, faces.csv     every face of every picture, and of every frame of a video
  holiday.jpg, clip.mp4     the pictures with the landmarks drawn in
  holiday.pts               the points in iBUG's format; further faces are holiday_1.pts, ...

exits with 1 where one of the inputs failed, and with 2 where nothing could be started
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command `predict`."""
    parser = subparsers.add_parser(
        "predict",
        description="Find the landmarks of all faces in pictures and videos.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="a picture, a video, or a folder of them"
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help=f"a name of exported/index.json, or the path of an .onnx file (default: {DEFAULT_MODEL})",
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder for the results, made if missing"
    )
    parser.add_argument(
        "--provider", help="what runs the network, such as cpu, cuda, openvino; default: the best there is"
    )
    parser.add_argument(
        "--refine", action="store_true", help="predict twice: again on a crop around the first result"
    )
    parser.add_argument("--no-overlay", action="store_true", help="write numbers only, draw nothing")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Predict for every input; 1 where any of them failed.

    Raises:
        FkpError: nothing could be started.
    """
    files = find_files(args.inputs, args.out)
    landmarker = Landmarker(args.model, args.provider, refine=args.refine)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {args.out} cannot be made a folder: {error.strerror}") from error
    faces, faceless, failures = 0, [], []
    with ResultWriter(args.out, landmarker.spec.name) as results:
        job = _Job(landmarker, results, overlay=not args.no_overlay)
        for file, stem in tqdm(list(zip(files, unique_stems(files), strict=True)), unit="file", disable=None):
            try:
                found = (job.video if _is_video(file) else job.picture)(file, args.out / stem)
            except (FkpError, OSError) as error:
                failures.append(str(error) if str(file) in str(error) else f"{file}: {error}")
                continue
            faces += found
            if not found:
                faceless.append(file)
    plural = "" if faces == 1 else "s"
    print(f"{faces} face{plural} in {len(files) - len(failures)} of {len(files)} files -> {args.out}")
    for file in faceless:
        print(f"no face: {file}")
    for reason in failures:
        print(f"failed: {reason}", file=sys.stderr)
    return 1 if failures else 0


class _Job:
    """Predicts for one file after the other; the methods return the number of faces, in a video
    that of the frame with most of them.

    Each takes the input and the path of its results without their suffix.
    """

    def __init__(self, landmarker: Landmarker, results: ResultWriter, overlay: bool) -> None:
        self._landmarker = landmarker
        self._results = results
        self._overlay = overlay

    def picture(self, file: Path, target: Path) -> int:
        image = load_image(file)
        faces = self._landmarker(image)
        self._results.add(str(file), image.shape[:2], faces)
        for number, face in enumerate(faces):
            name = f"{target.name}_{number}.pts" if number else f"{target.name}.pts"
            target.with_name(name).write_text(to_pts(face), encoding="ascii")
        if self._overlay:
            Image.fromarray(draw(image, faces)).save(target.with_name(f"{target.name}.jpg"), quality=92)
        return len(faces)

    def video(self, file: Path, target: Path) -> int:
        # Here, so that pictures need no FFmpeg.
        from fkp.runtime.media import VideoReader, VideoWriter
        from fkp.runtime.tracking import Tracker

        tracker, most = Tracker(self._landmarker), 0
        with VideoReader(file) as video, ExitStack() as stack:
            out = None
            if self._overlay:
                overlay = target.with_name(f"{target.name}.mp4")
                out = stack.enter_context(VideoWriter(overlay, video.rate, sound_of=file))
            frames = tqdm(video, file.name, video.frames, unit="frame", leave=False, disable=None)
            for number, frame in enumerate(frames):
                faces = tracker.step(frame.image, frame.time)
                self._results.add(f"{file}#{number}", frame.image.shape[:2], faces)
                if out:
                    out.write(replace(frame, image=draw(frame.image, faces)))
                most = max(most, len(faces))
        return most


def find_files(inputs: Sequence[Path], out: Path) -> list[Path]:
    """The files to predict for: the inputs themselves, and the pictures and videos below input folders.

    Raises:
        UsageError: a folder holds none, or results would land in or above it or beside the inputs, on which
            a picture or the `.pts` of a data set could be overwritten.
    """
    files: dict[Path, None] = {}
    for path in inputs:
        found = [path]
        if path.is_dir():
            if path.resolve().is_relative_to(out.resolve()):
                raise UsageError(f"--out {out} must be another folder than the input {path}")
            below = (file for file in sorted(path.rglob("*")) if out.resolve() not in file.resolve().parents)
            found = [file for file in below if file.suffix.lower() in _IMAGES | _VIDEOS and file.is_file()]
            if not found:
                raise UsageError(f"the folder {path} holds no pictures or videos")
        files |= dict.fromkeys(found)
    if beside := [file for file in files if file.resolve().parent == out.resolve()]:
        raise UsageError(f"--out {out} is where {beside[0].name} lies: give another folder")
    return list(files)


def unique_stems(files: Sequence[Path]) -> Iterator[str]:
    """A name for the results of every file, such that no two files share a result.

    A second `face` becomes `face-2`. So does `face_1` beside `face`, since `face_1.pts` is the second
    face of the latter.
    """
    taken: set[str] = set()
    fronts: set[str] = set()
    for file in files:
        stem, number = file.stem, 1
        while (key := stem.casefold()) in taken or key in fronts or _front(key) in taken:
            number += 1
            stem = f"{file.stem}-{number}"
        taken.add(key)
        fronts.add(_front(key))
        yield stem


def _front(stem: str) -> str:
    """The stem without the number of a further face; without one, nothing that a stem could be."""
    front, found, number = stem.rpartition("_")
    return front if found and number.isdigit() else ""


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in _VIDEOS
