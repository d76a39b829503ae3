"""Reader of MERL-RAV: AFLW's photos with 68 points by hand, from frontal to full profile, and which of them
can be seen (Kumar et al., "LUVLi Face Alignment", CVPR 2020).

Two layouts are read: `labels.jsonl` beside the pictures, and the authors' own, `.pts` files in folders of
poses and sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fkp.datasets.annotation_checks import check_partial, picture_inside, picture_size
from fkp.datasets.face_lines import LABELS_FILE, POSES, read_face_lines
from fkp.datasets.parsing import files_of, json_field
from fkp.datasets.pts import read_pts
from fkp.datasets.sample import COVERED, HIDDEN, VISIBLE, OnError, Sample, fail, located
from fkp.errors import DataError
from fkp.geometry import annotated_box
from fkp.schemes import IBUG68

Split = Literal["train", "test"]

# Where the authors' script puts the labels beside the pictures, and where their download has them.
MERL_RAV_FOLDERS = ("merl_rav_organized", "merl_rav_labels")
_AFLW_FOLDERS = ("aflw/flickr/0", "aflw/flickr/2", "aflw/flickr/3")
_PHOTO = re.compile(r"image\d+")


def read_merl_rav(folder: Path, split: Split, on_error: OnError = fail) -> Iterator[Sample]:
    """The faces of one split, from whichever layout the folder holds; a sample's group is AFLW's photo.

    Args:
        folder: of the data set.
        split: "train" or "test".
        on_error: called for every broken entry.

    Raises:
        FileNotFoundError: the folder holds neither layout.
    """
    if (folder / LABELS_FILE).is_file():
        return read_face_lines(
            folder, lambda row: photo_number(row["image"]), on_error, lambda row: _split_of(row) == split
        )
    return read_merl_rav_pts(folder, split, on_error)


def read_merl_rav_pts(folder: Path, split: Split | None, on_error: OnError = fail) -> Iterator[Sample]:
    """The same from the authors' files.

    They are `merl_rav_labels/POSE/SIDEset/[labels/]imageNNNNN[_n].pts` with AFLW's photos in `aflw/flickr`
    or those in `merl_rav_organized`, where each has its picture beside it. Coordinates are taken as they
    stand there. No split means both.
    """
    top = next((folder / name for name in MERL_RAV_FOLDERS if (folder / name).is_dir()), None)
    if top is None:
        raise FileNotFoundError(f"{folder} holds neither {LABELS_FILE} nor {' nor '.join(MERL_RAV_FOLDERS)}")
    for pose in POSES:
        folders = sorted((top / pose).glob(f"{split or '*'}set/**/"))
        for file in (file for inner in folders for file in files_of(inner, ".pts")):
            try:
                with located(file):
                    yield _sample(folder, file, pose)
            except DataError as error:
                on_error(error)


def _split_of(row: dict[str, Any]) -> str:
    split = json_field(row, "split", str)
    if split not in ("train", "test"):
        raise ValueError(f"the split must be train or test, not {split!r}")
    return split


def _sample(folder: Path, file: Path, pose: str) -> Sample:
    group = photo_number(file.name)
    beside = file.with_suffix(".jpg").relative_to(folder).as_posix()
    places = (beside, *(f"{place}/{group}.jpg" for place in _AFLW_FOLDERS))
    name = next((place for place in places if (folder / place).is_file()), None)
    if name is None:
        raise ValueError(f"its picture is neither beside it nor {group}.jpg in {', '.join(_AFLW_FOLDERS)}")
    image = picture_inside(folder, name)
    points, state = decode_signs(read_pts(file) + 1)
    points = check_partial(points, IBUG68.num_points, picture_size(image))
    return Sample(
        image=image,
        id=file.with_suffix(".jpg").relative_to(folder).as_posix(),
        box=annotated_box(points),
        points=points,
        scheme=IBUG68.name,
        given_box=None,
        group=group,
        state=state,
        pose=pose,
    )


def decode_signs(written: NDArray) -> tuple[NDArray, NDArray[np.int8]]:
    """Points and states from the coordinates as they stand in a file: (K, 2) -> (K, 2), (K,).

    (-1, -1) is a point that the head hides, and two negative numbers are a point that something else covers.

    Raises:
        ValueError: the two coordinates of a point have different signs.
    """
    negative = written < 0
    if (negative[:, 0] != negative[:, 1]).any():
        raise ValueError("a point has one negative coordinate: it must be both or none")
    hidden = (written == -1).all(axis=1)
    state = np.where(hidden, HIDDEN, np.where(negative[:, 0], COVERED, VISIBLE)).astype(np.int8)
    return np.where(hidden[:, None], np.nan, np.abs(written)), state


def photo_number(name: str) -> str:
    """AFLW's photo, which may show several people: `images/0002-image04733.jpg` -> `image04733`."""
    match = _PHOTO.search(Path(name).name)
    if match is None:
        raise ValueError(f"the name {name!r} holds no number of a photo of AFLW's (imageNNNNN)")
    return match[0]
