"""What data on disk holds, and what is wrong with it: `python -m fkp data check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fkp.datasets.catalog import DATASETS, DLIB_BOX
from fkp.datasets.dlib_xml import read_dlib_xml
from fkp.datasets.face_lines import LABELS_FILE, read_face_lines
from fkp.datasets.imm import read_imm
from fkp.datasets.merl_rav import MERL_RAV_FOLDERS, read_merl_rav_pts
from fkp.datasets.parsing import files_of, json_field
from fkp.datasets.pts import read_pts_folder
from fkp.datasets.sample import OnError, Sample
from fkp.datasets.wflw import WFLW_SPLITS, read_wflw, wflw_list
from fkp.datasets.ytf import CSV_SUFFIX, read_ytf_csv
from fkp.errors import DataError, ImageError
from fkp.images import load_image


@dataclass(frozen=True, slots=True)
class Source:
    """One file or folder in one of the layouts."""

    layout: str
    path: Path
    read: Callable[[OnError], Iterable[Sample]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a source holds: the sound faces, the (width, height) of their pictures, and the problems."""

    source: Source
    samples: list[Sample]
    sizes: list[tuple[int, int]]
    problems: list[DataError]


def find_sources(path: Path) -> list[Source]:
    """What can be read under a path: a data root, a data set's folder, or dlib's XML file.

    In a data root only the places of the known data sets are searched. Hidden files and folders are left out.
    """
    if path.is_file():
        return [_xml(path)] if path.suffix.lower() == ".xml" else []
    places = dict.fromkeys(path / dataset.folder for dataset in DATASETS.values())
    known = [place for place in places if place.is_dir()]
    folders = [folder for place in known or [path] for folder in _visible_folders(place)]
    return [source for folder in folders for source in _sources_of(folder)]


def _visible_folders(place: Path) -> list[Path]:
    inner = (folder.relative_to(place) for folder in place.rglob("*/"))
    visible = (folder for folder in inner if not any(part.startswith(".") for part in folder.parts))
    return [place / folder for folder in sorted({Path(), *visible})]


def _sources_of(folder: Path) -> Iterator[Source]:
    for file in files_of(folder, ".xml"):
        yield _xml(file)
    for file in files_of(folder, CSV_SUFFIX):
        yield Source("YTF .csv", file, partial(read_ytf_csv, file))
    if (folder / LABELS_FILE).is_file():
        read = partial(read_face_lines, folder, lambda row: json_field(row, "image", str))
        yield Source("faces .jsonl", folder / LABELS_FILE, read)
    for split in WFLW_SPLITS:
        if (folder / wflw_list(split)).is_file():
            yield Source("WFLW .txt", folder / wflw_list(split), partial(read_wflw, folder, split))
    if any((folder / name).is_dir() for name in MERL_RAV_FOLDERS):
        yield Source("MERL-RAV .pts", folder, partial(read_merl_rav_pts, folder, None))
    if files_of(folder, ".pts") and not set(MERL_RAV_FOLDERS) & set(folder.parts):
        root, name = folder.resolve().parent, folder.resolve().name
        yield Source(".pts", folder, partial(read_pts_folder, root, name, {}))
    if files_of(folder, ".asf"):
        yield Source("IMM .asf", folder, partial(read_imm, folder))


def _xml(file: Path) -> Source:
    return Source("dlib XML", file, partial(read_dlib_xml, file, DLIB_BOX))


def check(source: Source) -> Finding:
    """Read a source and decode every picture of it."""
    samples: list[Sample] = []
    problems: list[DataError] = []
    sizes: dict[Path, tuple[int, int]] = {}
    progress = {"desc": source.path.name, "unit": " faces", "leave": False, "disable": None}
    for sample, size in decodable(tqdm(source.read(problems.append), **progress), problems.append):
        samples.append(sample)
        sizes[sample.image] = size
    return Finding(source, samples, list(sizes.values()), problems)


def decodable(samples: Iterable[Sample], on_error: OnError) -> Iterator[tuple[Sample, tuple[int, int]]]:
    """The samples whose pictures can be decoded, with the (width, height) of these.

    Args:
        samples: of which each picture is decoded once.
        on_error: called for every picture that cannot be decoded.
    """
    sizes: dict[Path, tuple[int, int] | None] = {}
    for sample in samples:
        if sample.image not in sizes:
            try:
                height, width = load_image(sample.image).shape[:2]
                sizes[sample.image] = width, height
            except ImageError:
                sizes[sample.image] = None
                on_error(DataError(sample.image, None, "the picture cannot be decoded"))
        if size := sizes[sample.image]:
            yield sample, size


_COLUMNS = ("layout", "faces", "points", "boxes", "scheme", "pictures", "sides, px", "face box, px", "where")


def table(findings: Iterable[Finding]) -> str:
    """The findings as aligned lines of text, without their problems."""
    rows = [_COLUMNS, *(_row(finding) for finding in findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _row(finding: Finding) -> tuple[str, ...]:
    samples = finding.samples
    return (
        finding.source.layout,
        str(len(samples)),
        str(sum(sample.points is not None for sample in samples)),
        str(sum(sample.given_box is not None for sample in samples)),
        ", ".join(sorted({sample.scheme for sample in samples})) or "-",
        str(len(finding.sizes)),
        _range(finding.sizes),
        _range([max(sample.box[2:] - sample.box[:2]) for sample in samples]),
        str(finding.source.path),
    )


def _range(values: list) -> str:
    return f"{np.min(values):.0f} to {np.max(values):.0f}" if values else "-"
