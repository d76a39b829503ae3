"""Build hook: the models of `exported/` go into the wheel as `fkp/exported`, with an index of just those."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ModelsHook(BuildHookInterface):
    """Ship every model and detector of the index but those of a series, such as the course reports'."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # which finds `exported/` beside the package
            return
        source = Path(self.root, "exported")
        index = json.loads((source / "index.json").read_text(encoding="utf-8"))
        models = index["models"].items()
        index["models"] = {name: row for name, row in models if row.get("spec", {}).get("series") == ""}
        self._scratch = TemporaryDirectory()
        shipped = Path(self._scratch.name, "index.json")
        shipped.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        files = ["LICENSE.md", *(row["file"] for rows in index.values() for row in rows.values())]
        build_data["force_include"] |= {str(source / file): f"fkp/exported/{file}" for file in files}
        build_data["force_include"][str(shipped)] = "fkp/exported/index.json"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._scratch.cleanup()
