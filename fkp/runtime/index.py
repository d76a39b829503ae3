"""The folder of exported models and its index.json: which models there are, and whether they can be used."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fkp.atomic import write_text
from fkp.errors import FkpError, ModelError
from fkp.letterbox import LONGEST
from fkp.runtime.detectors import FkpDetector
from fkp.runtime.folders import models_folder
from fkp.runtime.sessions import ModelSession
from fkp.spec import ModelSpec

DEFAULT_MODEL = "fkp68-base-int8"
"""What `Landmarker()` and `fkp predict` load: nearly as accurate as the best model, and much faster."""

INDEX_NAME = "index.json"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One landmark model of the index.

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


def list_models(folder: Path | None = None) -> list[ModelEntry]:
    """The landmark models of a folder's index, by name; [] where there is no index.

    Checks only what is cheap: that the file exists and has the size that the index says. Its hash is
    checked when it is loaded by its name.

    Raises:
        ModelError: the index itself cannot be read.
    """
    folder = folder or models_folder()
    return [_entry(folder, name, row) for name, row in sorted(read_index(folder).items())]


def find_model(model: str | Path) -> tuple[Path, str | None]:
    """The file of a model, and its SHA-256 in the index.

    The SHA-256 is None for a path, and for a file of the models' folder that the index does not list, such as
    one whose export was interrupted before it rewrote the index.

    Args:
        model: a name of the index, or the path of an .onnx file.

    Raises:
        ModelError: no model has that name (the message lists the names there are), or it cannot be used.
    """
    if isinstance(model, Path) or model.endswith(".onnx") or os.sep in model:
        return Path(model), None
    folder = models_folder()
    index = read_index(folder)
    if model not in index:
        if (path := folder / f"{model}.onnx").is_file():
            return path, None
        known = ", ".join(sorted(index)) or "none"
        raise ModelError(f"there is no model {model!r} in {folder}; there are: {known}")
    entry = _entry(folder, model, index[model])
    if entry.problem:
        raise ModelError(f"the model {model!r} cannot be used: {entry.problem}")
    return entry.path, index[model]["sha256"]


def read_index(folder: Path) -> Mapping[str, dict[str, Any]]:
    """Name -> row of the landmark models in a folder's index; empty where there is no index.

    Raises:
        ModelError: the index is not what `refresh_index` writes.
    """
    path = folder / INDEX_NAME
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    models = index.get("models") if isinstance(index, dict) else None
    if not isinstance(models, dict):
        raise ModelError(f"{path} is not an index of models: export a model again to rewrite it")
    return {name: row if isinstance(row, dict) else {} for name, row in models.items()}


def refresh_index(folder: Path) -> None:
    """Read every .onnx file of a folder and of its `detectors`, and write the index anew.

    A file that cannot be used gets a row with its `problem` alone, so that it costs no other model.
    """
    index = {
        "models": _rows(folder, folder.glob("*.onnx"), _model_fields),
        "detectors": _rows(folder, (folder / "detectors").glob("*.onnx"), _detector_fields),
    }
    write_text(folder / INDEX_NAME, json.dumps(index, indent=1, sort_keys=True) + "\n")


def _rows(
    folder: Path, files: Iterable[Path], read: Callable[[Path], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    rows = {}
    for path in sorted(files):
        row: dict[str, Any] = {"file": path.relative_to(folder).as_posix()}
        try:
            fields = read(path)
            if (name := fields["spec"]["name"]) != path.stem:
                raise ModelError(f"the model {path} calls itself {name!r}: the file must be {name}.onnx")
            content = path.read_bytes()
            row |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **fields}
        except (FkpError, OSError) as error:
            row["problem"] = str(error).replace(str(path), path.name)
        rows[path.stem] = row
    return rows


def _model_fields(path: Path) -> dict[str, Any]:
    return {"spec": ModelSession(path, providers="cpu", threads=1).spec.to_dict()}


def _detector_fields(path: Path) -> dict[str, Any]:
    return {"longest_side": LONGEST, "spec": FkpDetector(path, threads=1).spec.to_dict()}


def _entry(folder: Path, name: str, row: Mapping[str, Any]) -> ModelEntry:
    # Only the file's own name: an index must not lead out of its folder.
    path = folder / Path(str(row.get("file", f"{name}.onnx"))).name
    spec = None
    try:
        spec = ModelSpec.from_dict(row.get("spec"))
        problem = _file_problem(path, row)
    except FkpError as error:
        problem = str(error)
    return ModelEntry(name, path, spec, row.get("problem") or problem)


def _file_problem(path: Path, row: Mapping[str, Any]) -> str | None:
    """What is wrong with a file as far as its row tells."""
    if not isinstance(row.get("sha256"), str):
        return f"{INDEX_NAME} holds no SHA-256 of it"
    if not path.is_file():
        return f"{path.name} is missing"
    if (size := path.stat().st_size) != row.get("bytes"):
        expected = f"the {row.get('bytes')} of {INDEX_NAME}"
        return f"{path.name} has {size} bytes, not {expected}: export it again to rewrite the index"
    return None
