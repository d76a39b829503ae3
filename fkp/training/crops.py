"""Face crops for training: decoded once, kept on disk, varied afresh each time they are drawn."""

from __future__ import annotations

import hashlib
import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler
from tqdm import tqdm

from fkp import geometry
from fkp.atomic import draft_of
from fkp.datasets import Sample, cache_folder
from fkp.datasets.conventions import typical_inter_ocular
from fkp.errors import RunError
from fkp.images import load_image
from fkp.schemes import get_scheme
from fkp.training.augment import NO_AUGMENTATION, Augmentation, augment
from fkp.training.recipe import Recipe

# How much more than the network's crop is kept, so that shifts and rotations show true surroundings,
# how much finer, so that warping twice blurs little, and the largest side kept.
_ROOM, _FINENESS, _MAX_SIDE = 1.5, 1.2, 320
_CHECKSUM_BYTES = 4


@dataclass(frozen=True, slots=True)
class Crops:
    """Decoded crops of a data set, in memory-mapped files.

    Attributes:
        images: (N, R, R, 3) uint8.
        points: (N, K, 2) in the frame of each crop; NaN where a point is not annotated.
        boxes: (N, 4) canonical face boxes, in the frame of each crop.
    """

    images: NDArray[np.uint8]
    points: NDArray
    boxes: NDArray


def load_crops(samples: Sequence[Sample], recipe: Recipe, folder: Path | None = None) -> Crops:
    """The samples' crops, decoded now or read from an earlier run's cache.

    Raises:
        RunError: there are no samples, or one has no points.
        ImageError: a picture cannot be decoded; the message names it.
    """
    if not samples:
        raise RunError("there are no faces to train on")
    if missing := [sample.id for sample in samples if sample.points is None]:
        raise RunError(f"{len(missing)} faces have no points, the first is {missing[0]}")
    longer, shorter = max(recipe.input_size), min(recipe.input_size)
    margin = recipe.margin * longer / shorter * _ROOM
    side = min(_MAX_SIDE, round(longer * _ROOM * _FINENESS))
    points = np.stack([np.asarray(sample.points) for sample in samples])
    boxes = np.stack([sample.box for sample in samples])
    matrices = np.stack([geometry.crop_transform(box, (side, side), margin) for box in boxes])
    images = _cached_images(samples, matrices, side, folder or cache_folder())
    moved = [geometry.transform_points(m, p) for m, p in zip(matrices, points, strict=True)]
    corners = [geometry.transform_points(m, b.reshape(2, 2)) for m, b in zip(matrices, boxes, strict=True)]
    return Crops(images, np.stack(moved), np.stack(corners).reshape(-1, 4))


def _cached_images(
    samples: Sequence[Sample], matrices: NDArray, side: int, folder: Path
) -> NDArray[np.uint8]:
    """The crops (N, side, side, 3), from the cache where it holds them undamaged."""
    key = hashlib.sha256(matrices.tobytes() + Path(geometry.__file__).read_bytes())
    for sample in samples:
        stat = sample.image.stat()
        key.update(f"{sample.image}{stat.st_size}{stat.st_mtime_ns}".encode())
    path = folder / f"{key.hexdigest()[:20]}-{side}.npy"
    shape = (len(samples), side, side, 3)
    if (images := _read_cached(path, shape)) is not None:
        return images
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft_of(path) as draft, draft.open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            checksum = 0
            for crop in _decode(samples, matrices, side):
                file.write(crop.tobytes())
                checksum = zlib.crc32(crop.data, checksum)
            file.write(checksum.to_bytes(_CHECKSUM_BYTES, "little"))
        return np.load(path, mmap_mode="r")
    except OSError as error:
        problem = f"crops cannot be cached in {folder} ({error.strerror}): they are kept in memory"
        warnings.warn(problem, RuntimeWarning, stacklevel=3)
        return np.stack(list(_decode(samples, matrices, side)))


def _decode(samples: Sequence[Sample], matrices: NDArray, side: int) -> Iterator[NDArray[np.uint8]]:
    pairs = zip(samples, matrices, strict=True)
    for sample, matrix in tqdm(pairs, "decoding", len(samples), unit="face", disable=None):
        yield np.ascontiguousarray(geometry.warp(load_image(sample.image), matrix, (side, side)))


def _read_cached(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """A file of crops that ends with their CRC-32; None where there is none, or it is damaged."""
    try:
        images = np.load(path, mmap_mode="r")
        with path.open("rb") as file:
            file.seek(-_CHECKSUM_BYTES, os.SEEK_END)
            checksum = int.from_bytes(file.read(), "little")
    except (EOFError, OSError, ValueError):
        return None
    undamaged = images.shape == shape and images.dtype == np.uint8 and zlib.crc32(images.data) == checksum
    return images if undamaged else None


class CropDataset(Dataset):
    """Random variations of crops, drawn by keys (draw, index).

    A draw's number seeds its randomness, so a run that is resumed, or uses other workers, sees the
    same pictures.
    """

    def __init__(self, crops: Crops, recipe: Recipe, augmentation: Augmentation = NO_AUGMENTATION) -> None:
        self.crops, self.recipe, self.augmentation = crops, recipe, augmentation
        self.mirror = get_scheme(recipe.scheme).mirror

    def __len__(self) -> int:
        return len(self.crops.images)

    def __getitem__(self, key: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The crop (H, W, 3) uint8 and its points (K, 2) in the unit frame, NaN where not annotated."""
        draw, index = key
        crop, points = augment(
            np.random.default_rng([self.recipe.config.seed, draw]),
            np.asarray(self.crops.images[index]),
            self.crops.points[index],
            self.crops.boxes[index],
            self.recipe.input_size,
            self.recipe.margin,
            self.mirror,
            self.augmentation,
            self.recipe.label_shift / 100 * float(typical_inter_ocular(self.crops.boxes[index])),
        )
        return crop, geometry.to_unit(points, self.recipe.input_size).astype(np.float32)


class DrawSampler(Sampler):
    """Keys (draw, index) of one epoch after another, shuffled, each face as often as the others or once more.

    Args:
        faces: how many there are.
        draws: how many make an epoch; more than there are faces cycles them, fewer leaves some out.
    """

    def __init__(self, faces: int, draws: int, seed: int) -> None:
        self.faces, self.draws, self.seed = faces, draws, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.draws

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        rounds = -(-self.draws // self.faces)
        order = np.concatenate([rng.permutation(self.faces) for _ in range(rounds)])[: self.draws]
        first = self.epoch * self.draws
        return ((first + i, int(index)) for i, index in enumerate(order))
