"""The pictures that face detectors are tried on: as they are, made harder, and without any face."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.cache import folder_hash
from bench.faces import TestSet, spread
from bench.tasks.distortions import FACE, SIDE, Patch, cut_patch, distort, rotation_about
from fkp.datasets import DLIB_BOX, Sample
from fkp.geometry import points_box, transform_points, warp
from fkp.images import load_image

WIDTH, HEIGHT = 640, 480  # of the pictures that are put together
_GRAY = 128
_TILE = 32  # pixels: a fifth of a patch's face, so that no face survives shuffling
_NO_FACE = np.empty((0, 4))

# What the sets show, in the order of the tables.
TITLES: Mapping[str, str] = {
    "contest": "contest pictures",
    "common": "300-W common",
    "imm": "IMM",
    "imm-val": "IMM, persons 33 to 40",
    "turned-15": "rotated by 15 degrees",
    "turned-30": "rotated by 30 degrees",
    "turned-45": "rotated by 45 degrees",
    "dark": "an eighth of the light",
    "blurred": "blurred by 3 % of the face",
    "small-40": "faces of 40 pixels",
    "small-32": "faces of 32 pixels",
    "small-24": "faces of 24 pixels",
    "mosaic": "twelve faces in a picture",
    "background": "no face: IMM without the heads",
    "shuffled": "no face: 300-W in shuffled tiles",
    "things": "no face: objects, animals and texts",
}

# scikit-image's pictures that show no face.
_OBJECTS = (
    *("brick.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png", "grass.png", "gravel.png"),
    *("horse.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "page.png"),
    *("retina.jpg", "rocket.jpg", "text.png"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One picture to search.

    Attributes:
        id: unique in its set.
        image: (H, W, 3) uint8, RGB.
        boxes: (N, 4) canonical boxes of the faces that are known in it.
    """

    id: str
    image: NDArray[np.uint8]
    boxes: NDArray


MakeScene = Callable[[], Scene]
MakeOf = Callable[[int, Sequence[Sample]], Scene]


@dataclass(frozen=True, slots=True)
class SceneSet:
    """Pictures of one kind.

    Attributes:
        name: one of `TITLES`.
        scenes: makes the list of what makes its pictures; both only when they are needed.
        fingerprint: changes whenever a file does that it is made of.
        limit: of the faces that it is made of, None for all.
        complete: whether every face in its pictures is known, so that all other boxes are false.
        timed: whether the time of a picture is measured on it.
    """

    name: str
    scenes: Callable[[], list[MakeScene]]
    fingerprint: str
    limit: int | None
    complete: bool = False
    timed: bool = False

    @property
    def identity(self) -> list[str | int | None]:
        """What a cache key says of it."""
        return [self.name, self.fingerprint, self.limit]

    @property
    def title(self) -> str:
        """What it shows, in words."""
        return TITLES[self.name]


def scene_sets(root: Path, limit: int | None = None) -> list[SceneSet]:
    """All sets that can be made of a data root; at most `limit` faces of each data set, None for all.

    Raises:
        FileNotFoundError: it does not hold the data sets.
    """
    contest = [TestSet("kaggle-test", root, limit)]
    common = [TestSet("300w-common", root, limit)]
    persons = [TestSet("imm-train", root, limit), TestSet("imm-val", root, limit)]
    sets: list[SceneSet] = []

    def add(name: str, sources: Sequence[TestSet], make: MakeOf, together: int = 1, **words: bool) -> None:
        fingerprint = " ".join(source.fingerprint for source in sources)
        sets.append(SceneSet(name, partial(_scenes, sources, make, together), fingerprint, limit, **words))

    add("contest", contest, _listed, timed=True)
    add("common", common, _whole, timed=True)
    add("imm", persons, _whole, complete=True, timed=True)
    add("imm-val", persons[1:], _whole, complete=True)
    for degrees in (15, 30, 45):
        add(f"turned-{degrees}", common, _distorted("rotation", degrees))
    add("dark", common, _distorted("dark", 8))
    add("blurred", common, _distorted("blur", 3))
    for size in (40, 32, 24):
        add(f"small-{size}", common, partial(_small, size), together=6)
    add("mosaic", common, _mosaic, together=12)
    add("background", persons, _background, complete=True)
    add("shuffled", common, _shuffled, complete=True)
    if (folder := _objects_folder()) is not None:
        objects = partial(_objects, folder, limit)
        sets.append(SceneSet("things", objects, folder_hash(folder), limit, complete=True))
    return sets


def _scenes(sources: Sequence[TestSet], make: MakeOf, together: int) -> list[MakeScene]:
    """What makes the scenes of so many faces each; `make` gets a scene's number and its faces."""
    faces = [face for source in sources for face in source.listed]
    chunks = [faces[i : i + together] for i in range(0, len(faces), together)]
    return [partial(make, i, chunk) for i, chunk in enumerate(chunks)]


def _listed(index: int, faces: Sequence[Sample]) -> Scene:
    """A whole picture, with the box that its list gives."""
    (face,) = faces
    if face.given_box is None:
        raise ValueError(f"{face.id} has no box in its list")
    return Scene(face.id, load_image(face.image), DLIB_BOX(face.given_box))


def _whole(index: int, faces: Sequence[Sample]) -> Scene:
    (face,) = faces
    return Scene(face.id, load_image(face.image), face.box[None])


def _patch(face: Sample) -> Patch:
    return cut_patch(face, load_image(face.image))


def _distorted(kind: str, severity: float) -> MakeOf:
    def make(index: int, faces: Sequence[Sample]) -> Scene:
        (face,) = faces
        patch = distort(_patch(face), kind, severity, seed=index)
        return Scene(face.id, patch.image, patch.box[None])

    return make


def _canvas() -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), _GRAY, np.uint8)


def _cells(columns: int, rows: int) -> list[tuple[int, int]]:
    """The upper left corners of a canvas' cells, row by row."""
    return [(x * WIDTH // columns, y * HEIGHT // rows) for y in range(rows) for x in range(columns)]


def _small(size: int, index: int, faces: Sequence[Sample]) -> Scene:
    """Six patches, shrunk until their faces have `size` pixels, somewhere on a gray picture."""
    rng = np.random.default_rng([size, index])
    canvas, boxes = _canvas(), []
    side = round(SIDE * size / FACE)
    for face, (left, top) in zip(faces, _cells(3, 2), strict=False):
        patch = _patch(face)
        x = left + int(rng.integers(0, WIDTH // 3 - side))
        y = top + int(rng.integers(0, HEIGHT // 2 - side))
        canvas[y : y + side, x : x + side] = cv2.resize(
            patch.image, (side, side), interpolation=cv2.INTER_AREA
        )
        boxes.append((patch.box + 0.5) * side / SIDE - 0.5 + np.tile((x, y), 2))
    return Scene(f"{faces[0].id} and others", canvas, np.stack(boxes))


def _mosaic(index: int, faces: Sequence[Sample]) -> Scene:
    """Twelve faces of 40 to 80 pixels side by side, tilted by at most 15 degrees."""
    rng = np.random.default_rng(index)
    canvas, boxes = _canvas(), []
    width, height = WIDTH // 4, HEIGHT // 3
    for face, (left, top) in zip(faces, _cells(4, 3), strict=False):
        patch = _patch(face)
        size = rng.uniform(40, 80)
        space = (np.array((width, height)) - size * 1.3) / 2
        target = np.array((width, height)) / 2 + rng.uniform(-1, 1, 2) * space.clip(min=0)
        center = patch.box.reshape(2, 2).mean(axis=0)
        matrix = rotation_about(center, rng.uniform(-15, 15), size / FACE, target - center)
        canvas[top : top + height, left : left + width] = warp(patch.image, matrix, (height, width))
        boxes.append(points_box(transform_points(matrix, patch.points)) + np.tile((left, top), 2))
    return Scene(f"{faces[0].id} and others", canvas, np.stack(boxes))


def _background(index: int, faces: Sequence[Sample]) -> Scene:
    """The parts left and right of the head, put together: a backdrop and shoulders."""
    (face,) = faces
    image = load_image(face.image)
    x0, _, x1, _ = face.box
    reach = 0.4 * (x1 - x0)  # from the outermost landmark to the end of the hair
    left, right = max(0, round(x0 - reach)), round(x1 + reach)
    return Scene(
        face.id, np.ascontiguousarray(np.hstack([image[:, :left], image[:, right:]])), np.empty((0, 4))
    )


def _shuffled(index: int, faces: Sequence[Sample]) -> Scene:
    """A patch cut into tiles that are put together in another order."""
    (face,) = faces
    count = SIDE // _TILE
    grid = (count, _TILE, count, _TILE, 3)
    tiles = _patch(face).image.reshape(grid).swapaxes(1, 2).reshape(-1, _TILE, _TILE, 3)
    tiles = tiles[np.random.default_rng(index).permutation(len(tiles))]
    image = tiles.reshape(count, count, _TILE, _TILE, 3).swapaxes(1, 2).reshape(SIDE, SIDE, 3)
    return Scene(face.id, np.ascontiguousarray(image), _NO_FACE)


def _objects_folder() -> Path | None:
    """The folder of scikit-image's pictures, None where it is not installed."""
    spec = importlib.util.find_spec("skimage")
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) / "data" if folders else None


def _objects(folder: Path, limit: int | None) -> list[MakeScene]:
    views = [partial(_object, folder / name, view) for name in _OBJECTS for view in range(5)]
    return list(spread(views, limit))


def _object(path: Path, view: int) -> Scene:
    """A picture (view 0), or one of its quarters at twice the size."""
    image = load_image(path)
    if view:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        y, x = divmod(view - 1, 2)
        quarter = image[y * height : (y + 1) * height, x * width : (x + 1) * width]
        twice = (2 * width, 2 * height)
        image = np.asarray(cv2.resize(quarter, twice, interpolation=cv2.INTER_CUBIC), np.uint8)
    return Scene(f"{path.stem} {view}", image, _NO_FACE)
