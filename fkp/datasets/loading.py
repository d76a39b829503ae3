"""Where the data and what is made of it are kept, and the faces of the data sets there."""

from __future__ import annotations

import os
from pathlib import Path

from fkp.datasets.catalog import DATASETS, HELEN_FOLDER, NEGATIVES_FOLDER
from fkp.datasets.pseudo_labels import labels_file
from fkp.datasets.sample import OnError, Sample, fail
from fkp.errors import UsageError


def cache_folder() -> Path:
    """The folder of caches: `$FKP_CACHE`, else `fkp` in the user's folder of caches.

    Raises:
        UsageError: neither `$FKP_CACHE` nor `$XDG_CACHE_HOME` is set, and the user has no home folder.
    """
    if own := os.environ.get("FKP_CACHE"):
        return Path(own)
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches, "fkp")
    try:
        return Path.home() / ".cache" / "fkp"
    except RuntimeError as error:
        raise UsageError("there is no home folder for the cache: set FKP_CACHE to a folder") from error


def find_data_root(argument: Path | None = None) -> Path | None:
    """The data root: the argument, else `$FKP_DATA`, else `./data`; None when it is not there.

    Raises:
        UsageError: there is nothing where the argument says.
    """
    if argument and not argument.is_dir():
        raise UsageError(f"the data root {argument} is not there")
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
        UsageError: no data set has that name.
        FileNotFoundError: the data root does not hold the data set, or there are no labels.
        DataError: an entry is broken, and `on_error` raises.
    """
    if name not in DATASETS:
        raise UsageError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}")
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


def annotated_training_sets(root: Path) -> list[str]:
    """The names of the training sets in the data root that people annotated, without parts of others."""
    sets = (DATASETS[name] for name in available(root))
    return [s.name for s in sets if s.side == "train" and not s.pseudo_labeled and not s.part_of]


def training_pictures(root: Path) -> list[Path]:
    """Every picture that may be trained on, once: those of the annotated training sets, of HELEN's photos
    without annotations and of the negatives, except photos that also show a test face."""
    tests = [name for name in ("kaggle-test", "300w-common") if name in available(root)]
    barred = {sample.group for name in tests for sample in load(name, root)}
    pictures = {path for folder in (HELEN_FOLDER, NEGATIVES_FOLDER) for path in (root / folder).glob("*.jpg")}
    for name in annotated_training_sets(root):
        pictures |= {sample.image for sample in load(name, root) if sample.group not in barred}
    return sorted(pictures)
