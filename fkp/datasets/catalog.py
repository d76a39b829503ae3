"""The data sets that the project knows, their splits, and where they lie in a data root."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from numpy.typing import NDArray

from fkp.datasets.cfp_profile import read_cfp_profile
from fkp.datasets.dlib_xml import read_dlib_xml, read_given_boxes
from fkp.datasets.face_lines import LABELS_FILE
from fkp.datasets.imm import read_imm
from fkp.datasets.merl_rav import Side, read_merl_rav
from fkp.datasets.pseudo_labels import LabelFilter, labels_file, read_labeled
from fkp.datasets.pts import read_pts_folder
from fkp.datasets.sample import OnError, Sample, fail
from fkp.datasets.ytf import CSV_SUFFIX, read_ytf_csv
from fkp.geometry import BoxMap
from fkp.schemes import IBUG68, IMM58

IBUG_FOLDER = "ibug_300W_large_face_landmark_dataset"
IBUG_TRAIN_XML = "labels_ibug_300W_train.xml"
KAGGLE_TEST_XML = "labels_ibug_300W_test_parsed.xml"
YTF_FOLDER = "P1_Facial_Keypoints/data"
IMM_FOLDER = "imm_face_db"
HELEN_FOLDER = "helen_unlabelled"
MERL_RAV_FOLDER = "merl_rav"
CFP_FOLDER = "cfp_profile"
THINGS_FOLDER = "things"
YUNET_FILE = "detectors/face_detection_yunet_2023mar.onnx"

# From the boxes in iBUG's XML, dlib's detector, to canonical ones: what `data fit-boxes` printed.
DLIB_BOX = BoxMap(left=0.0266, top=0.0957, right=-0.0218, bottom=0.0531)

# The faces on which the models of a scheme are told apart.
TEST_SETS: Mapping[str, str] = {"ibug68": "300w-common", "imm58": "imm-val", "nose1": "imm-val"}

# What `data asymmetry` printed for 300-W's training faces, for CFP's, and nothing to speak of for MERL-RAV's.
IBUG_LABEL_SHIFT, CFP_LABEL_SHIFT = 0.78, 0.93

_TRAIN_FOLDERS = ("afw/", "helen/trainset/", "lfpw/trainset/")
_FIRST_IMM_VALIDATION_PERSON = 33
_VALIDATION_SHARE = 0.1
# A teacher's points are believed on faces that are surely faces and not small, where it is sure itself.
_BELIEVED = LabelFilter(score=0.8, confidence=0.6, smallest=40)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named list of faces: one side of a split, in one public layout.

    Attributes:
        name: how commands and code call it.
        title: what it is, in words.
        scheme: the landmark scheme of its points.
        folder: its place in the data root.
        needs: the files and folders in there without which it cannot be read.
        read: reads it from its folder.
        labeled: whether its points are in the file of labels, without which it cannot be read either.
        label_shift: how far its points lie to the right of mirror-symmetric ones, in percent of the
            inter-ocular distance: what `data asymmetry` measured on its training faces.
    """

    name: str
    title: str
    scheme: str
    folder: str
    needs: tuple[str, ...]
    read: Callable[[Path, OnError], Iterable[Sample]]
    labeled: bool = False
    label_shift: float = 0.0

    def missing(self, root: Path) -> list[Path]:
        """What it needs and is not there."""
        needs = [root / self.folder / name for name in self.needs]
        needs += [labels_file()] if self.labeled else []
        return [path for path in needs if not path.exists()]


def _held_out(sample: Sample) -> bool:
    """Whether a sample's group belongs to the validation side, by its name alone."""
    digest = hashlib.sha256(sample.group.encode()).digest()
    return int.from_bytes(digest[:8], "big") < _VALIDATION_SHARE * 2**64


def _is_turned(sample: Sample) -> bool:
    return sample.pose != "frontal"


def _ibug(validation: bool) -> Dataset:
    def keep(name: str) -> bool:
        return name.startswith(_TRAIN_FOLDERS) and "_mirror." not in name  # mirrors are made, not read

    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        samples = read_dlib_xml(folder / IBUG_TRAIN_XML, DLIB_BOX, on_error, keep)
        return (sample for sample in samples if _held_out(sample) == validation)

    side = "val" if validation else "train"
    title = f"300-W training faces (AFW, HELEN, LFPW), {'validation' if validation else 'training'} part"
    return Dataset(
        f"ibug-{side}", title, IBUG68.name, IBUG_FOLDER, (IBUG_TRAIN_XML,), read, label_shift=IBUG_LABEL_SHIFT
    )


def _300w(part: str, title: str, folders: tuple[str, ...]) -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        given_boxes: dict[str, NDArray] = {}
        for xml in (IBUG_TRAIN_XML, KAGGLE_TEST_XML):
            if (folder / xml).exists():
                given_boxes |= read_given_boxes(folder / xml, on_error)
        for name in folders:
            yield from read_pts_folder(folder, name, given_boxes, on_error)

    return Dataset(
        f"300w-{part}", title, IBUG68.name, IBUG_FOLDER, folders, read, label_shift=IBUG_LABEL_SHIFT
    )


def _kaggle_test() -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        return read_dlib_xml(folder / KAGGLE_TEST_XML, DLIB_BOX, on_error)

    title = "test faces of the Kaggle contest CS194-26"
    return Dataset(
        "kaggle-test", title, IBUG68.name, IBUG_FOLDER, (KAGGLE_TEST_XML,), read, label_shift=IBUG_LABEL_SHIFT
    )


def _ytf(name: str, title: str, folder: str, keep: Callable[[Sample], bool]) -> Dataset:
    csv = folder + CSV_SUFFIX

    def read(root: Path, on_error: OnError) -> Iterator[Sample]:
        return filter(keep, read_ytf_csv(root / csv, on_error))

    return Dataset(name, title, IBUG68.name, YTF_FOLDER, (csv, folder), read)


def _imm(validation: bool) -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        for sample in read_imm(folder, on_error):
            if (int(sample.group) >= _FIRST_IMM_VALIDATION_PERSON) == validation:
                yield sample

    side, persons = ("val", "33 to 40") if validation else ("train", "01 to 32")
    title = f"IMM face database, persons {persons}"
    return Dataset(f"imm-{side}", title, IMM58.name, IMM_FOLDER, (".",), read)


def _merl_rav(name: str, part: str, side: Side, keep: Callable[[Sample], bool]) -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        return filter(keep, read_merl_rav(folder, side, on_error))

    title = f"MERL-RAV (AFLW's photos, any head turn), {part} part"
    return Dataset(name, title, IBUG68.name, MERL_RAV_FOLDER, (".",), read)


def _cfp(validation: bool) -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        return (s for s in read_cfp_profile(folder, on_error) if _held_out(s) == validation)

    side = "val" if validation else "train"
    title = f"CFP's profiles, {'validation' if validation else 'training'} part"
    return Dataset(
        f"cfp-{side}", title, IBUG68.name, CFP_FOLDER, (LABELS_FILE,), read, label_shift=CFP_LABEL_SHIFT
    )


def _labeled(name: str, title: str, folder: str, every: int = 1) -> Dataset:
    def read(place: Path, on_error: OnError) -> Iterator[Sample]:
        root = place.parents[len(Path(folder).parts) - 1]
        return read_labeled(root, folder, _BELIEVED, on_error, every)

    title = f"{title}, labeled by a teacher (`data label`)"
    return Dataset(name, title, IBUG68.name, folder, (".",), read, labeled=True)


DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        _ibug(validation=False),
        _ibug(validation=True),
        _300w("common", "300-W common test faces (HELEN and LFPW)", ("helen/testset", "lfpw/testset")),
        _300w("helen", "300-W common, the HELEN part", ("helen/testset",)),
        _300w("lfpw", "300-W common, the LFPW part", ("lfpw/testset",)),
        _kaggle_test(),
        _merl_rav("merl-rav-train", "training", "train", lambda s: not _held_out(s)),
        _merl_rav(
            "merl-rav-turned", "turned training", "train", lambda s: _is_turned(s) and not _held_out(s)
        ),
        _merl_rav("merl-rav-val", "validation", "train", _held_out),
        _merl_rav("merl-rav-test", "test", "test", lambda s: True),
        _cfp(validation=False),
        _cfp(validation=True),
        _labeled("helen-labelled", "HELEN photos without annotations", HELEN_FOLDER),
        # Neighboring frames of a video are nearly one picture.
        _labeled("ytf-labelled", "a third of the YouTube Faces frames", f"{YTF_FOLDER}/training", every=3),
        _ytf("ytf-train", "YouTube Faces frames, training part", "training", lambda s: not _held_out(s)),
        _ytf("ytf-val", "YouTube Faces frames, validation part", "training", _held_out),
        _ytf("ytf-test", "YouTube Faces frames, test part", "test", lambda s: True),
        _imm(validation=False),
        _imm(validation=True),
    )
}


def training_pictures(root: Path) -> list[Path]:
    """Every picture that may be trained on, once: those of the training parts, of HELEN's photos without
    annotations and of things, but for photos in which a test face stands beside another one."""
    tests = [name for name in ("kaggle-test", "300w-common") if name in available(root)]
    barred = {sample.group for name in tests for sample in load(name, root)}
    pictures = {path for folder in (HELEN_FOLDER, THINGS_FOLDER) for path in (root / folder).glob("*.jpg")}
    for name in available(root):
        if name.endswith("-train"):
            pictures |= {sample.image for sample in load(name, root) if sample.group not in barred}
    return sorted(pictures)


def cache_folder() -> Path:
    """Where what was made of the data is kept: `$FKP_CACHE`, else `fkp` in the user's folder of caches."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("FKP_CACHE") or Path(caches, "fkp"))


def find_data_root(argument: Path | None = None) -> Path | None:
    """The data root: the argument, else `$FKP_DATA`, else `./data`; None when it is not there.

    Raises:
        ValueError: there is nothing where the argument says.
    """
    if argument and not argument.is_dir():
        raise ValueError(f"the data root {argument} is not there")
    root = argument or Path(os.environ.get("FKP_DATA") or "data")
    return root if root.is_dir() else None


def available(root: Path) -> list[str]:
    """The names of the data sets that can be read from the data root."""
    return [name for name, dataset in DATASETS.items() if not dataset.missing(root)]


def load(name: str, root: Path, on_error: OnError = fail) -> list[Sample]:
    """All faces of a data set, in the order of its files.

    Args:
        name: one of `DATASETS`.
        root: the data root.
        on_error: called for every broken entry; the default raises.

    Raises:
        ValueError: no data set has that name.
        FileNotFoundError: the data root does not hold the data set, or there are no labels.
        DataError: an entry is broken, and `on_error` raises.
    """
    if name not in DATASETS:
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}")
    dataset = DATASETS[name]
    if missing := dataset.missing(root):
        remedy = (
            "`python -m fkp data label` makes it, and FKP_LABELS says where it is"
            if missing[0] == labels_file()
            else "`python -m fkp data get` downloads the public data sets, and --data or FKP_DATA says where "
            "they are"
        )
        raise FileNotFoundError(f"the data set {name} needs {missing[0]}, which is not there; {remedy}")
    return list(dataset.read(root / dataset.folder, on_error))
