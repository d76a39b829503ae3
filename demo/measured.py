"""What `python -m bench` measured of each model: the committed rows in `bench/results/`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).resolve().parents[1] / "bench" / "results"
# The faces on which models of a scheme are told apart.
TEST_SETS: Mapping[str, str] = {"ibug68": "300w-common", "imm58": "imm-val", "nose1": "imm-val"}


def rows(part: str, folder: Path = RESULTS) -> pd.DataFrame:
    """All rows of a part, the oldest first, from its files PART_HOST_PROVIDER_PRECISION_DATE.csv."""
    files = sorted(folder.glob(f"{part}_*_*_*_????-??-??.csv"), key=lambda file: (file.stem[-10:], file.name))
    frames = [pd.read_csv(file).assign(host=file.stem.split("_")[1]) for file in files]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


@lru_cache(maxsize=4)
def speeds(folder: Path = RESULTS) -> Mapping[str, float]:
    """Model -> milliseconds of its network for one face on one core, as ONNX Runtime's own CPU
    provider was measured last."""
    latency = rows("latency", folder)
    if latency.empty:
        return {}
    single = latency[(latency["kind"] == "network") & (latency["batch"] == 1) & (latency["threads"] == 1)]
    single = single[single["provider"] == "cpu"]
    return single.groupby("model")["median_ms"].last().to_dict()


@lru_cache(maxsize=4)
def errors(scheme: str, folder: Path = RESULTS) -> Mapping[str, float]:
    """Model -> NME in percent for the true boxes of the scheme's `TEST_SETS`, as it was measured last."""
    accuracy = rows("accuracy", folder)
    if accuracy.empty or scheme not in TEST_SETS:
        return {}
    told = (accuracy["dataset"] == TEST_SETS[scheme]) & (accuracy["scheme"] == scheme)
    return accuracy[told & (accuracy["boxes"] == "truth")].groupby("model")["nme"].last().to_dict()
