"""The folder of exported models and its index.json: which models there are, and whether they can be used."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fkp.errors import ModelError, SpecError
from fkp.runtime.sessions import ModelSession
from fkp.spec import ModelSpec

INDEX_NAME = "index.json"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the index.

    Attributes:
        name: what `Landmarker(name)` takes.
        path: the model's file.
        spec: its description as the index holds it, None where that cannot be read.
        problem: why the model cannot be used, None where nothing is known against it.
    """

    name: str
    path: Path
    spec: ModelSpec | None
    problem: str | None


def models_folder() -> Path:
    """$FKP_MODELS, else `exported` beside the package."""
    return Path(os.environ.get("FKP_MODELS") or Path(__file__).resolve().parents[2] / "exported")


def list_models(folder: Path | None = None) -> list[ModelEntry]:
    """The models of a folder's index, by name; [] where there is no index.

    Checks only what is cheap: that the file is there and has the size the index says. Its hash is
    checked when it is loaded by its name.

    Raises:
        ModelError: the index itself cannot be read.
    """
    folder = folder or models_folder()
    return [_entry(folder, name, row) for name, row in sorted(read_index(folder).items())]


def find_model(model: str | Path) -> tuple[Path, str | None]:
    """The file of a model, and the SHA-256 the index promises for it (None for a path).

    Args:
        model: a name of the index, or the path of an .onnx file.

    Raises:
        ModelError: no model of that name; the message lists the names there are.
    """
    if isinstance(model, Path) or model.endswith(".onnx") or os.sep in model:
        return Path(model), None
    folder = models_folder()
    index = read_index(folder)
    if model not in index:
        known = ", ".join(sorted(index)) or "none"
        raise ModelError(f"there is no model {model!r} in {folder}; there are: {known}")
    entry = _entry(folder, model, index[model])
    if entry.problem:
        raise ModelError(f"the model {model!r} cannot be used: {entry.problem}")
    return entry.path, index[model]["sha256"]


def read_index(folder: Path) -> Mapping[str, dict[str, Any]]:
    """Name -> row of a folder's index; empty where there is none.

    Raises:
        ModelError: it is not what `refresh_index` writes.
    """
    path = folder / INDEX_NAME
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(index, dict) or not all(isinstance(row, dict) for row in index.values()):
        raise ModelError(f"{path} is not an index of models: export a model again to rewrite it")
    return index


def refresh_index(folder: Path) -> Mapping[str, dict[str, Any]]:
    """Read every .onnx file of a folder and write its index anew, all or nothing.

    Raises:
        ModelError: a file is no usable model, or bears another name than its spec says.
    """
    index = {path.stem: _row(path) for path in sorted(folder.glob("*.onnx"))}
    path = folder / INDEX_NAME
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(path)
    return index


def _row(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    spec = ModelSession(path, providers="cpu", sha256=digest).spec
    if spec.name != path.stem:
        raise ModelError(f"the model {path} calls itself {spec.name!r}: the file must be {spec.name}.onnx")
    return {"file": path.name, "sha256": digest, "bytes": len(content), "spec": spec.to_dict()}


def _entry(folder: Path, name: str, row: Mapping[str, Any]) -> ModelEntry:
    # Only the file's own name: an index must not lead out of its folder.
    path = folder / Path(str(row.get("file", f"{name}.onnx"))).name
    spec, problem = None, None
    try:
        spec = ModelSpec.from_dict(row.get("spec"))
    except SpecError as error:
        problem = str(error)
    if not isinstance(row.get("sha256"), str):
        problem = f"{INDEX_NAME} holds no SHA-256 of it"
    elif not path.is_file():
        problem = f"{path.name} is missing"
    elif path.stat().st_size != row.get("bytes"):
        problem = f"{path.name} has {path.stat().st_size} bytes, not the {row.get('bytes')} of {INDEX_NAME}"
    return ModelEntry(name, path, spec, problem)
