"""summary.json: the main figures of each model, for programs that show them."""

from __future__ import annotations

import json
from typing import Any

from bench.report.result_set import ResultSet
from fkp.datasets import TEST_SETS

FILE = "summary.json"


def summary(results: ResultSet) -> str:
    """JSON: model -> the hash of its file, its NME in percent by scheme, its milliseconds for a face.

    The NME is that on the scheme's own test set for true boxes; the time that on one CPU thread, null where
    it was not measured.
    """
    models: dict[str, dict[str, Any]] = {}
    for row in results.accuracy:
        main = results.accuracy_row(row.model, row.scheme, TEST_SETS[row.scheme])
        if main is row:
            time = results.latency_row(row.model, "face")
            entry: dict[str, Any] = {"sha256": row.sha256, "nme": {}, "ms": time.median_ms if time else None}
            models.setdefault(row.model, entry)["nme"][row.scheme] = row.nme
    return json.dumps({"host": results.host, "models": models}, indent=1, sort_keys=True) + "\n"
