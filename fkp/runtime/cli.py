"""`python -m fkp predict`: landmarks for pictures, folders and videos."""

from __future__ import annotations

import argparse
import glob
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from fkp.atomic import draft_of, write_text
from fkp.errors import FkpError, UsageError
from fkp.images import load_picture
from fkp.runtime.drawing import draw
from fkp.runtime.index import DEFAULT_MODEL
from fkp.runtime.inputs import find_files, is_video, unique_stems
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.results import ResultWriter, Source, plain_text, to_pts

_LONGEST_JPEG = 65_500  # pixels of a side

_EXAMPLE = """\
example:
  python -m fkp predict holiday.jpg photos/ clip.mp4 --out landmarks

writes into the folder landmarks:
  faces.jsonl, faces.csv    every face of every picture, and of every frame of a video; complete up to the
                            last picture even where the run is killed
  faces.json                the same as one list, written at the end
  holiday.jpg, clip.mp4     the pictures with the landmarks drawn in
  holiday.pts               the points in iBUG's format; further faces are holiday_1.pts, ...; not of faces
                            that are marked as not reliable, see --doubtful

docs/results.md explains the fields, the formats that are read, and the limits. Results of an earlier run
for the same inputs are replaced.

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
        "--provider", help="the execution provider, such as cpu, cuda, openvino (default: the best available)"
    )
    parser.add_argument(
        "--refine", action="store_true", help="predict twice: again on a crop around the first result"
    )
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="search large pictures in tiles, too: finds small faces, is slower",
    )
    parser.add_argument(
        "--doubtful",
        action="store_true",
        help="write .pts files of faces marked as not reliable, too",
    )
    parser.add_argument("--no-overlay", action="store_true", help="write numbers only, draw nothing")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Predict for every input; 1 where any of them failed.

    Raises:
        FkpError: nothing could be started.
    """
    inputs = find_files(args.inputs, args.out)
    search = "thorough" if args.thorough else "fast"
    landmarker = Landmarker(args.model, args.provider, refine=args.refine, search=search)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {args.out} cannot be made a folder: {error.strerror}") from error
    replaced = any((args.out / name).exists() for name in ("faces.jsonl", "faces.json"))
    report = _Report(len(inputs.files), inputs.left_out)
    with _orderly_end(), ResultWriter(args.out, landmarker.spec.name) as results:
        job = _Job(landmarker, results, report, overlay=not args.no_overlay, doubtful=args.doubtful)
        named = list(zip(inputs.files, unique_stems(inputs.files), strict=True))
        for file, stem in tqdm(named, unit="file", disable=None):
            target = args.out / stem
            try:
                if replaced:
                    _remove_results(target)
                report.add(file, (job.video if is_video(file) else job.picture)(file, target))
            except (FkpError, OSError) as error:
                report.fail(file, str(error))
            except MemoryError:
                report.fail(file, "needs more memory than there is")
            except Exception as error:  # a bad file does not end the run
                report.fail(file, f"internal error: {type(error).__name__}: {error}")
    report.show(args.out)
    return 1 if report.failures else 0


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Finish open files when the process is asked to end."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Report:
    """What is said at the end of a run."""

    def __init__(self, files: int, left_out: Sequence[Path]) -> None:
        self._files = files
        self._left_out = left_out
        self._faces = 0
        self.doubtful = 0
        self._faceless: list[Path] = []
        self._remarks: list[str] = []
        self.failures: list[str] = []

    def add(self, file: Path, faces: int) -> None:
        self._faces += faces
        if not faces:
            self._faceless.append(file)

    def fail(self, file: Path, reason: str) -> None:
        self.failures.append(reason if str(file) in reason else f"{file}: {reason}")

    def remark(self, file: Path, clause: str) -> None:
        self._remarks.append(f"{file} {clause}")

    def show(self, out: Path) -> None:
        faces = f"{self._faces} face{'s' * (self._faces != 1)}"
        done = f"{self._files - len(self.failures)} of {self._files} files"
        rest = f"{len(self.failures)} failed, {len(self._left_out)} left out"
        doubtful = f" ({self.doubtful} not reliable)" if self.doubtful else ""
        print(plain_text(f"{faces}{doubtful} in {done}; {rest} -> {out}"))
        for file in self._faceless:
            print(plain_text(f"no face: {file}"))
        for remark in self._remarks:
            print(plain_text(f"note: {remark}"))
        for file in self._left_out:
            print(plain_text(f"left out, neither a picture nor a video: {file}"))
        for reason in self.failures:
            print(plain_text(f"failed: {reason}"), file=sys.stderr)


class _Job:
    """Predicts for one file after the other; the methods return the number of faces, in a video
    that of the frame with most of them.

    Each takes the input and the path of its results without their suffix.
    """

    def __init__(
        self,
        landmarker: Landmarker,
        results: ResultWriter,
        report: _Report,
        overlay: bool,
        doubtful: bool,
    ) -> None:
        self._landmarker = landmarker
        self._results = results
        self._report = report
        self._overlay = overlay
        self._doubtful = doubtful

    def picture(self, file: Path, target: Path) -> int:
        picture = load_picture(file)
        found = self._landmarker(picture.image)
        faces = [face.scaled(picture.reduction) for face in found]
        self._results.add(Source(str(file), picture.size), faces)
        for number, face in enumerate(faces):
            self._report.doubtful += face.reliable is False
            if self._doubtful or face.reliable is not False:
                write_text(_further(target, number), to_pts(face))
        if self._overlay:
            kind = "jpg" if max(picture.image.shape) <= _LONGEST_JPEG else "png"
            with draft_of(target.with_name(f"{target.name}.{kind}")) as draft:
                drawn = Image.fromarray(draw(picture.image, found))
                drawn.save(draft, {"jpg": "JPEG", "png": "PNG"}[kind], quality=92)
        if picture.reduction > 1:
            self._report.remark(file, f"was read at 1/{picture.reduction} of its size")
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
            label = plain_text(file.name)
            frames = tqdm(video, label, video.frames, unit="frame", leave=False, disable=None)
            for number, frame in enumerate(frames):
                faces = tracker.step(frame.image, frame.time)
                self._results.add(Source(str(file), frame.image.shape[:2], number, frame.time), faces)
                if out:
                    out.write(replace(frame, image=draw(frame.image, faces)))
                most = max(most, len(faces))
        for clause in video.remarks + (out.remarks if out else []):
            self._report.remark(file, clause)
        return most


def _further(target: Path, number: int) -> Path:
    """The `.pts` file of a face of a picture."""
    return target.with_name(f"{target.name}_{number}.pts" if number else f"{target.name}.pts")


def _remove_results(target: Path) -> None:
    """Delete what an earlier run wrote for an input, so that no old file passes for a new result."""
    for suffix in ("jpg", "png", "mp4"):
        target.with_name(f"{target.name}.{suffix}").unlink(missing_ok=True)
    for path in target.parent.glob(f"{glob.escape(target.name)}*.pts"):
        rest = path.stem.removeprefix(target.name)
        if not rest or (rest[0] == "_" and rest[1:].isdigit()):
            path.unlink()
