"""Readers of the public landmark data sets: from their files to `Sample`s."""

from fkp.datasets.catalog import (
    DATASETS,
    DLIB_BOX,
    TEST_SETS,
    Dataset,
)
from fkp.datasets.loading import available, cache_folder, find_data_root, load
from fkp.datasets.sample import OnError, Sample, as_scheme, fail

__all__ = [
    "DATASETS",
    "DLIB_BOX",
    "TEST_SETS",
    "Dataset",
    "OnError",
    "Sample",
    "as_scheme",
    "available",
    "cache_folder",
    "fail",
    "find_data_root",
    "load",
]
