"""What `python -m bench` measured of each model: the committed rows in `bench/results/`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from fkp.datasets import TEST_SETS
from fkp.runtime.folders import models_folder
from fkp.runtime.index import read_index

RESULTS = Path(__file__).resolve().parents[1] / "bench" / "results"


@lru_cache(maxsize=4)
def speeds(folder: Path = RESULTS) -> Mapping[str, float]:
    """Model -> milliseconds from a picture and a face's box to its points on one core, as ONNX Runtime's
    own CPU provider was measured last, all on the machine of the last measurement."""
    told = {"kind": "face", "batch": "1", "threads": "1", "provider": "cpu"}
    files = _files("latency", folder)
    hosts = [file.name.split("_")[1] for file in files]
    here = [file for file, host in zip(files, hosts, strict=True) if host == hosts[-1]]
    return _last(here, "median_ms", told)


@lru_cache(maxsize=4)
def errors(scheme: str, folder: Path = RESULTS) -> Mapping[str, float]:
    """Model -> NME in percent for the true boxes of the scheme's `TEST_SETS`, as it was measured last."""
    if scheme not in TEST_SETS:
        return {}
    told = {"dataset": TEST_SETS[scheme], "scheme": scheme, "boxes": "truth"}
    return _last(_files("accuracy", folder), "nme", told)


def _files(part: str, folder: Path) -> list[Path]:
    """The files PART_HOST_PROVIDER_PRECISION_DATE.csv, the latest last."""
    return sorted(folder.glob(f"{part}_*_*_*_????-??-??.csv"), key=lambda file: (file.stem[-10:], file.name))


def _last(files: Sequence[Path], column: str, told: Mapping[str, str]) -> Mapping[str, float]:
    """Model -> the latest figure in a column of the rows that say what `told` says, of the files of today."""
    index = read_index(models_folder())
    latest = {}
    for file in files:
        with file.open(encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                stale = index.get(row["model"], {}).get("sha256", row["sha256"]) != row["sha256"]
                if row[column] and told.items() <= row.items() and not stale:
                    latest[row["model"]] = float(row[column])
    return latest
