"""Negatives: pictures without people, in which a face detector must learn to find nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from fkp.atomic import draft_of
from fkp.datasets.parsing import is_picture
from fkp.errors import ImageError
from fkp.images import load_image

_LARGEST, _LEAST = 640, 96  # pixels of a picture's longer side kept, and of its shorter side


def gather(sources: Sequence[Path], out: Path, most: int) -> tuple[int, int]:
    """Copy pictures, shrunk to 640 pixels, as JPEG, named by what is in them.

    Args:
        sources: folders, searched with all that is in them.
        out: where the copies go; made if missing.
        most: of each source so many are taken, evenly spread over its sorted files.

    Returns:
        how many were copied, and how many could not be read or are too small.
    """
    out.mkdir(parents=True, exist_ok=True)
    copied = skipped = 0
    for path in tqdm(list(_chosen(sources, most)), "copying", unit="picture", disable=None):
        try:
            picture = Image.fromarray(load_image(path))
        except ImageError:
            skipped += 1
            continue
        picture.thumbnail((_LARGEST, _LARGEST))
        if min(picture.size) < _LEAST:
            skipped += 1
            continue
        name = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
        with draft_of(out / f"{name}.jpg") as draft:
            picture.save(draft, "JPEG", quality=92)
        copied += 1
    return copied, skipped


def _chosen(sources: Sequence[Path], most: int) -> Iterator[Path]:
    for source in sources:
        files = sorted(path for path in source.rglob("*") if is_picture(path))
        for i in np.unique(np.linspace(0, len(files) - 1, min(most, len(files))).astype(int)):
            yield files[i]
