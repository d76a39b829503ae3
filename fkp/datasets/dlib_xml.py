"""Reader of dlib's XML: pictures with face boxes, with or without the 68 landmarks of iBUG."""

from __future__ import annotations

import os
import xml.sax.handler
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax import SAXParseException
from xml.sax.xmlreader import AttributesImpl, Locator

import defusedxml.sax
import numpy as np
from numpy.typing import NDArray

from fkp.datasets.annotation_checks import check_near, check_points, photo, picture_inside, picture_size
from fkp.datasets.parsing import number
from fkp.datasets.pts import read_pts
from fkp.datasets.sample import OnError, Sample, fail, located
from fkp.errors import DataError
from fkp.geometry import BoxMap, points_box
from fkp.schemes import IBUG68

_PART_NAMES = [f"{index:02d}" for index in range(IBUG68.num_points)]

# The values of a box's `ignore` that leave it a face. dlib ignores the others: parts of pictures that are
# neither face nor background.
_NOT_IGNORED = {"0", "false", ""}

# Mean distance in pixels between an XML's whole-pixel points and the .pts beside the picture.
# Rounding alone makes 0.38; the wrong file, or one shifted by a pixel, makes more than this.
_MAX_DISAGREEMENT = 1.0


@dataclass(slots=True)
class _Box:
    line: int
    attributes: Mapping[str, str]
    parts: list[Mapping[str, str]]


@dataclass(slots=True)
class _Image:
    line: int
    name: str
    boxes: list[_Box]


class _Handler(xml.sax.handler.ContentHandler):
    """Puts every finished `image` element into `finished`."""

    def __init__(self, locator: Locator) -> None:
        self.finished: list[_Image] = []
        self._locator = locator
        self._image: _Image | None = None
        self._box: _Box | None = None

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        attributes = dict(attrs.items())
        line = self._locator.getLineNumber() or 0
        if name == "image":
            self._image = _Image(line, attributes.get("file", "").replace("\\", "/"), [])
        elif name == "box" and self._image and attributes.get("ignore", "0") in _NOT_IGNORED:
            self._box = _Box(line, attributes, [])
            self._image.boxes.append(self._box)
        elif name == "part" and self._box:
            self._box.parts.append(attributes)

    def endElement(self, name: str) -> None:  # noqa: N802
        if name == "box":
            self._box = None
        elif name == "image" and self._image:
            self.finished.append(self._image)
            self._image = None


def _read_images(file: Path, on_error: OnError) -> Iterator[_Image]:
    """The `image` elements up to the place where the file is broken, if it is.

    Windows' backslashes in the names are slashes here.
    """
    parser = defusedxml.sax.make_parser()
    handler = _Handler(parser)
    parser.setContentHandler(handler)
    images = 0
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 16):
                parser.feed(chunk)
                images += len(handler.finished)
                yield from handler.finished
                handler.finished.clear()
        parser.close()
        if not images:
            on_error(DataError(file, None, "holds no pictures"))
    except OSError as error:
        on_error(DataError(file, None, f"cannot be read: {error.strerror}"))
    except SAXParseException as error:
        on_error(DataError(file, error.getLineNumber(), f"is not well-formed XML: {error.getMessage()}"))
    except (LookupError, ValueError) as error:  # an unknown encoding; entities, which defusedxml refuses
        on_error(DataError(file, parser.getLineNumber(), f"is refused: {error}"))


def _name_on_disk(folder: Path, name: str) -> str:
    """The picture's name as the file system has it.

    dlib writes the bytes of a name as they are and declares them to be ISO 8859-1, whatever they are.
    """
    try:
        written = os.fsdecode(name.encode("latin-1"))
        return written if (folder / written).is_file() else name
    except (ValueError, OSError):  # not of ISO 8859-1; a name that no file can have
        return name


def _numbers(attributes: Mapping[str, str], *names: str) -> list[float]:
    try:
        return [number(attributes[name].strip()) for name in names]
    except (KeyError, ValueError):
        raise ValueError(f"{', '.join(names)} must be finite numbers: {dict(attributes)}") from None


def _corners(box: _Box) -> NDArray:
    """The box as (x0, y0, x1, y1)."""
    left, top, width, height = _numbers(box.attributes, "left", "top", "width", "height")
    if min(width, height) <= 0:
        raise ValueError("the box has no area")
    return np.array([left, top, left + width, top + height])


def _part_points(box: _Box) -> NDArray | None:
    """The box's landmarks by their names 00, 01, ..., None where it has no parts."""
    if not box.parts:
        return None
    points = {part.get("name"): _numbers(part, "x", "y") for part in box.parts}
    if points.keys() != set(_PART_NAMES) or len(points) != len(box.parts):
        raise ValueError(f"the parts must be {_PART_NAMES[0]} to {_PART_NAMES[-1]}, each of them once")
    return np.array([points[name] for name in _PART_NAMES])


def _agreeing(pts: NDArray, parts: NDArray | None, file: Path) -> NDArray:
    """The finer points of a `.pts` file, if they are those of the XML's parts."""
    if parts is not None:
        distance = np.linalg.norm(pts - parts, axis=1).mean() if pts.shape == parts.shape else np.inf
        if not distance <= _MAX_DISAGREEMENT:
            raise ValueError(f"its points are {distance:.1f} pixels off those of {file.name}")
    return pts


def _read_face(
    file: Path, box: _Box, size: tuple[int, int], pts: Path | None
) -> tuple[NDArray, NDArray | None]:
    """The given box and the landmarks of one `box` element; `pts` is the finer file, if any."""
    with located(file, box.line):
        given_box = _corners(box)
        check_near(given_box.reshape(2, 2), size, "the box")
        points = _part_points(box)
        if pts is not None:
            points = _agreeing(read_pts(pts), points, pts)
        if points is not None:
            points = check_points(points, IBUG68.num_points, size)
    return given_box, points


def read_dlib_xml(
    file: Path,
    box_map: BoxMap,
    on_error: OnError = fail,
    keep: Callable[[str], bool] = lambda name: True,
) -> Iterator[Sample]:
    """One sample for every box of the XML; the pictures' names are relative to its folder.

    A picture's parts are whole pixels. Where the picture has one box and a `.pts` file of the same
    name beside it, the points come from there.

    Args:
        file: the XML.
        box_map: from the file's own boxes to canonical ones, for the faces without points.
        on_error: called for every broken entry.
        keep: which pictures to read, by name.
    """
    faces: Counter[str] = Counter()
    for image in _read_images(file, on_error):
        if not keep(image.name):
            continue
        try:
            with located(file, image.line):
                name = _name_on_disk(file.parent, image.name)
                path = picture_inside(file.parent, name)
                size = picture_size(path)
        except DataError as error:
            on_error(error)
            continue
        beside = path.with_suffix(".pts")
        pts = beside if len(image.boxes) == 1 and beside.is_file() else None
        for box in image.boxes:
            number = faces[name]
            faces[name] += 1
            try:
                given_box, points = _read_face(file, box, size, pts)
            except DataError as error:
                on_error(error)
                continue
            yield Sample(
                image=path,
                id=f"{name}#{number}" if number else name,
                box=box_map(given_box)[0] if points is None else points_box(points),
                points=points,
                scheme=IBUG68.name,
                given_box=given_box,
                group=photo(name),
            )


def read_given_boxes(file: Path, on_error: OnError = fail) -> dict[str, NDArray]:
    """The boxes of the XML's pictures that have exactly one, by the picture's name."""
    boxes: dict[str, NDArray] = {}
    for image in _read_images(file, on_error):
        if image.name in boxes:
            on_error(DataError(file, image.line, f"lists {image.name} a second time"))
        elif len(image.boxes) == 1:
            try:
                with located(file, image.boxes[0].line):
                    boxes[_name_on_disk(file.parent, image.name)] = _corners(image.boxes[0])
            except DataError as error:
                on_error(error)
    return boxes
