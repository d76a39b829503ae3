"""Which files `predict` reads, and what their results are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fkp.errors import UsageError

# fmt: off
_IMAGES = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2",
    ".ppm", ".pgm", ".pbm", ".heic", ".heif", ".hif",
}
_VIDEOS = {
    ".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".m2v", ".ts", ".mts",
    ".m2ts", ".wmv", ".asf", ".flv", ".ogv",
}
# fmt: on
_TRANSPORT_STREAMS = {".ts", ".mts", ".m2ts"}
_PACKETS = ((0, 188), (4, 192))  # of a transport stream: where the first has its mark, and their length
_MARK = 0x47


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files to predict for, and those in the given folders that are neither pictures nor videos."""

    files: tuple[Path, ...]
    left_out: tuple[Path, ...]


def find_files(inputs: Sequence[Path], out: Path) -> Inputs:
    """The inputs themselves, and all files below input folders; files in `out` are no inputs.

    A file that is given by its own name is never left out.

    Raises:
        UsageError: a folder holds neither pictures nor videos, or results would land in or above it or
            beside the inputs, on which a picture or the `.pts` of a data set could be overwritten.
    """
    files: dict[Path, None] = {}
    left_out: dict[Path, None] = {}
    for path in inputs:
        if not path.is_dir():
            files[path] = None
            continue
        if path.resolve().is_relative_to(out.resolve()):
            raise UsageError(f"--out {out} must be another folder than the input {path}")
        below = [
            file
            for file in sorted(path.rglob("*"))
            if file.is_file() and out.resolve() not in file.resolve().parents
        ]
        found = [file for file in below if _is_readable(file)]
        if not found:
            raise UsageError(f"the folder {path} holds no pictures or videos")
        files |= dict.fromkeys(found)
        left_out |= dict.fromkeys(file for file in below if file not in files)
    if beside := [file for file in files if file.resolve().parent == out.resolve()]:
        raise UsageError(f"--out {out} is where {beside[0].name} lies: give another folder")
    return Inputs(tuple(files), tuple(file for file in left_out if file not in files))


def is_video(file: Path) -> bool:
    """Whether a file is read as a video, by its name."""
    return file.suffix.lower() in _VIDEOS


def _is_readable(file: Path) -> bool:
    if file.name.startswith("."):  # such as the `._a.jpg` of macOS
        return False
    if file.suffix.lower() in _TRANSPORT_STREAMS:
        return _is_transport_stream(file)
    return file.suffix.lower() in _IMAGES | _VIDEOS


def _is_transport_stream(file: Path) -> bool:
    """Whether a file is what cameras and broadcasters call .ts: TypeScript has the same suffix."""
    try:
        with file.open("rb") as opened:
            head = opened.read(2 * 192)
    except OSError:
        return True  # reading it will say why it cannot be read
    return any(
        len(head) > start + size and head[start] == head[start + size] == _MARK for start, size in _PACKETS
    )


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
