"""What `python -m bench` measured of each model: the committed rows in `bench/results/`."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "bench" / "results"
# The faces on which models of a scheme are told apart.
TEST_SETS: Mapping[str, str] = {"ibug68": "300w-common", "imm58": "imm-val", "nose1": "imm-val"}


@lru_cache(maxsize=4)
def speeds(folder: Path = RESULTS) -> Mapping[str, float]:
    """Model -> milliseconds of its network for one face on one core, as ONNX Runtime's own CPU
    provider was measured last."""
    told = {"kind": "network", "batch": "1", "threads": "1", "provider": "cpu"}
    return _last("latency", "median_ms", told, folder)


@lru_cache(maxsize=4)
def errors(scheme: str, folder: Path = RESULTS) -> Mapping[str, float]:
    """Model -> NME in percent for the true boxes of the scheme's `TEST_SETS`, as it was measured last."""
    if scheme not in TEST_SETS:
        return {}
    told = {"dataset": TEST_SETS[scheme], "scheme": scheme, "boxes": "truth"}
    return _last("accuracy", "nme", told, folder)


def _last(part: str, column: str, told: Mapping[str, str], folder: Path) -> Mapping[str, float]:
    """Model -> the latest figure in a column of the rows that say what `told` says.

    The rows are in files PART_HOST_PROVIDER_PRECISION_DATE.csv.
    """
    files = sorted(folder.glob(f"{part}_*_*_*_????-??-??.csv"), key=lambda file: (file.stem[-10:], file.name))
    latest = {}
    for file in files:
        with file.open(encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                if row[column] and told.items() <= row.items():
                    latest[row["model"]] = float(row[column])
    return latest
