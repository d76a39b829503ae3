"""The data sets that the project knows, their splits, and their places in a data root."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from numpy.typing import NDArray

from fkp.datasets.cfp_profile import read_cfp_profile
from fkp.datasets.dlib_xml import read_dlib_xml, read_given_boxes
from fkp.datasets.face_lines import LABELS_FILE
from fkp.datasets.imm import read_imm
from fkp.datasets.merl_rav import Split, read_merl_rav
from fkp.datasets.pseudo_labels import LabelFilter, labels_file, read_pseudo_labeled
from fkp.datasets.pts import is_mirrored, read_pts_folder
from fkp.datasets.sample import OnError, Sample
from fkp.datasets.wflw import WFLW_IMAGES, read_wflw, wflw_list
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
WFLW_FOLDER = "WFLW"
NEGATIVES_FOLDER = "negatives"
YUNET_FILE = "detectors/face_detection_yunet_2023mar.onnx"

# From the boxes in iBUG's XML, dlib's detector, to canonical ones: what `data fit-boxes` printed.
DLIB_BOX = BoxMap(left=0.0266, top=0.0957, right=-0.0218, bottom=0.0531)

# The faces on which the models of a scheme are compared.
TEST_SETS: Mapping[str, str] = {"ibug68": "300w-common", "imm58": "imm-val", "nose1": "imm-val"}

# What `data asymmetry` printed for the training faces; MERL-RAV's is close to 0.
IBUG_LABEL_SHIFT, CFP_LABEL_SHIFT, _YTF_LABEL_SHIFT = 0.78, 0.93, 2.74

_TRAIN_FOLDERS = ("afw/", "helen/trainset/", "lfpw/trainset/")
_FIRST_IMM_VALIDATION_PERSON = 33
_VALIDATION_SHARE = 0.1

Side = Literal["train", "validation", "test"]

_SHORT: Mapping[Side, str] = {"train": "train", "validation": "val", "test": "test"}
_PART: Mapping[Side, str] = {"train": "training", "validation": "validation", "test": "test"}

# A teacher's points are used on faces of high detection score that are not small, where its scores are high.
_LABEL_FILTER = LabelFilter(score=0.8, confidence=0.6, smallest=40)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named list of faces: one side of a split, in one public layout.

    Attributes:
        name: for commands and code.
        title: what it is, in words.
        scheme: the landmark scheme of its points.
        folder: its place in the data root.
        needs: the files and folders in there without which it cannot be read.
        read: reads it from its folder.
        side: of its split. Nothing is trained or tuned on a test side.
        part_of: the data set of the same side whose faces these are, too; "" where there is none.
        pseudo_labeled: whether its points are a teacher's, in the file of labels, without which it cannot be
            read either.
        label_shift: how far its points are shifted to the right of mirror-symmetric ones, in percent of the
            inter-ocular distance: what `data asymmetry` measured on its training faces.
    """

    name: str
    title: str
    scheme: str
    folder: str
    needs: tuple[str, ...]
    read: Callable[[Path, OnError], Iterable[Sample]]
    side: Side
    part_of: str = ""
    pseudo_labeled: bool = False
    label_shift: float = 0.0

    def missing(self, root: Path) -> list[Path]:
        """The files that it needs and that are missing."""
        needs = [root / self.folder / name for name in self.needs]
        needs += [labels_file()] if self.pseudo_labeled else []
        return [path for path in needs if not path.exists()]


def _held_out(sample: Sample) -> bool:
    """Whether a sample's group belongs to the validation side, by its name alone."""
    digest = hashlib.sha256(sample.group.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < _VALIDATION_SHARE * 2**64


def _on_side(sample: Sample, side: Side) -> bool:
    """Whether a sample of what may be trained on is on that side of the split."""
    return side == "test" or _held_out(sample) == (side == "validation")


def _ibug(side: Side) -> Dataset:
    def keep(name: str) -> bool:
        return name.startswith(_TRAIN_FOLDERS) and not is_mirrored(name)

    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        samples = read_dlib_xml(folder / IBUG_TRAIN_XML, DLIB_BOX, on_error, keep)
        return (sample for sample in samples if _on_side(sample, side))

    title = f"300-W training faces (AFW, HELEN, LFPW), {_PART[side]} part"
    return Dataset(
        f"ibug-{_SHORT[side]}",
        title,
        IBUG68.name,
        IBUG_FOLDER,
        (IBUG_TRAIN_XML,),
        read,
        side,
        label_shift=IBUG_LABEL_SHIFT,
    )


def _300w(part: str, title: str, folders: tuple[str, ...], part_of: str = "") -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        given_boxes: dict[str, NDArray] = {}
        for xml in (IBUG_TRAIN_XML, KAGGLE_TEST_XML):
            if (folder / xml).exists():
                given_boxes |= read_given_boxes(folder / xml, on_error)
        for name in folders:
            yield from read_pts_folder(folder, name, given_boxes, on_error)

    return Dataset(
        f"300w-{part}",
        title,
        IBUG68.name,
        IBUG_FOLDER,
        folders,
        read,
        "test",
        part_of,
        label_shift=IBUG_LABEL_SHIFT,
    )


def _kaggle_test() -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        return read_dlib_xml(folder / KAGGLE_TEST_XML, DLIB_BOX, on_error)

    title = "test faces of the Kaggle contest CS194-26"
    return Dataset(
        "kaggle-test",
        title,
        IBUG68.name,
        IBUG_FOLDER,
        (KAGGLE_TEST_XML,),
        read,
        "test",
        label_shift=IBUG_LABEL_SHIFT,
    )


def _ytf(side: Side) -> Dataset:
    folder = "test" if side == "test" else "training"
    csv = folder + CSV_SUFFIX

    def read(root: Path, on_error: OnError) -> Iterator[Sample]:
        return (sample for sample in read_ytf_csv(root / csv, on_error) if _on_side(sample, side))

    title = f"YouTube Faces frames, {_PART[side]} part"
    return Dataset(
        f"ytf-{_SHORT[side]}",
        title,
        IBUG68.name,
        YTF_FOLDER,
        (csv, folder),
        read,
        side,
        label_shift=_YTF_LABEL_SHIFT,
    )


def _imm(side: Side) -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        for sample in read_imm(folder, on_error):
            if (int(sample.group) >= _FIRST_IMM_VALIDATION_PERSON) == (side == "validation"):
                yield sample

    persons = "33 to 40" if side == "validation" else "01 to 32"
    title = f"IMM face database, persons {persons}"
    return Dataset(f"imm-{_SHORT[side]}", title, IMM58.name, IMM_FOLDER, (".",), read, side)


def _merl_rav_turned() -> Dataset:
    whole = _merl_rav("train")

    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        return (sample for sample in whole.read(folder, on_error) if sample.pose != "frontal")

    title = f"{whole.title}, without frontal faces"
    return dataclasses.replace(whole, name="merl-rav-turned", title=title, read=read, part_of=whole.name)


def _merl_rav(side: Side) -> Dataset:
    split: Split = "test" if side == "test" else "train"

    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        return (sample for sample in read_merl_rav(folder, split, on_error) if _on_side(sample, side))

    title = f"MERL-RAV (AFLW's photos, any head turn), {_PART[side]} part"
    return Dataset(f"merl-rav-{_SHORT[side]}", title, IBUG68.name, MERL_RAV_FOLDER, (".",), read, side)


def _cfp(side: Side) -> Dataset:
    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        return (sample for sample in read_cfp_profile(folder, on_error) if _on_side(sample, side))

    title = f"CFP's profiles, {_PART[side]} part"
    name = f"cfp-{_SHORT[side]}"
    return Dataset(
        name, title, IBUG68.name, CFP_FOLDER, (LABELS_FILE,), read, side, label_shift=CFP_LABEL_SHIFT
    )


def _wflw(side: Side) -> Dataset:
    split: Split = "test" if side == "test" else "train"

    def read(folder: Path, on_error: OnError) -> Iterator[Sample]:
        return (sample for sample in read_wflw(folder, split, on_error) if _on_side(sample, side))

    title = f"WFLW, 68 of its 98 points, {_PART[side]} part"
    needs = (wflw_list(split), WFLW_IMAGES)
    return Dataset(f"wflw-{_SHORT[side]}", title, IBUG68.name, WFLW_FOLDER, needs, read, side)


def _pseudo_labeled(name: str, title: str, folder: str, every: int = 1) -> Dataset:
    def read(place: Path, on_error: OnError) -> Iterator[Sample]:
        root = place.parents[len(Path(folder).parts) - 1]
        return read_pseudo_labeled(root, folder, IBUG68, _LABEL_FILTER, on_error, every)

    title = f"{title}, labeled by a teacher (`data label`)"
    return Dataset(name, title, IBUG68.name, folder, (".",), read, "train", pseudo_labeled=True)


DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        _ibug("train"),
        _ibug("validation"),
        _300w("common", "300-W common test faces (HELEN and LFPW)", ("helen/testset", "lfpw/testset")),
        _300w("helen", "300-W common, the HELEN part", ("helen/testset",), "300w-common"),
        _300w("lfpw", "300-W common, the LFPW part", ("lfpw/testset",), "300w-common"),
        _300w("challenging", "300-W challenging test faces (iBUG)", ("ibug",)),
        _300w("full", "300-W full test faces", ("helen/testset", "lfpw/testset", "ibug")),
        _kaggle_test(),
        _merl_rav("train"),
        _merl_rav_turned(),
        _merl_rav("validation"),
        _merl_rav("test"),
        _cfp("train"),
        _cfp("validation"),
        _wflw("train"),
        _wflw("validation"),
        _wflw("test"),
        _pseudo_labeled("helen-labelled", "HELEN photos without annotations", HELEN_FOLDER),
        # Neighboring frames of a video are nearly one picture.
        _pseudo_labeled(
            "ytf-labelled", "a third of the YouTube Faces frames", f"{YTF_FOLDER}/training", every=3
        ),
        _ytf("train"),
        _ytf("validation"),
        _ytf("test"),
        _imm("train"),
        _imm("validation"),
    )
}
