"""Measured results by the hash of all that they depend on, so that nothing is measured twice."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import onnxruntime

from fkp.datasets import cache_folder

_ROOT = Path(__file__).resolve().parents[1]
_KEEPERS = {_ROOT / "bench" / name for name in ("cache.py", "results.py")}


class Cache:
    """Small JSON files in a folder, each named after the hash of its key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: Mapping[str, Any]) -> Any | None:
        """What was stored under the key; None where nothing was, or it cannot be read."""
        try:
            return json.loads(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def store(self, key: Mapping[str, Any], value: Any) -> None:
        """Keep a JSON value; all or nothing, so that an interrupted run leaves no half of it."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(value), encoding="utf-8")
        draft.replace(path)

    def _path(self, key: Mapping[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{digest[:40]}.json"


def default_cache() -> Cache:
    """The benchmark's part of `cache_folder`."""
    return Cache(cache_folder() / "bench")


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@functools.cache
def folder_hash(folder: Path) -> str:
    """A hash of the paths, sizes and times of a folder's files, much faster than one of their content.

    It is taken once in a run.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            line = f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
            digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


@functools.cache
def code_hash(file: str, without: str = "") -> str:
    """A hash of the code that a measurement runs through: `code_of` a source file, OpenCV and ONNX Runtime.

    Args:
        file: of the benchmark, or of the library.
        without: a room of the library whose part in the result is known from something else.
    """
    left_out = _ROOT / "fkp" / without if without else None
    paths = sorted(path for path in code_of(Path(file)) if left_out is None or left_out not in path.parents)
    versions = f"{cv2.__version__} {onnxruntime.__version__}".encode()
    return hashlib.sha256(b"\0".join([versions, *(path.read_bytes() for path in paths)])).hexdigest()


def code_of(file: Path) -> set[Path]:
    """A source file and those of the project that it imports, directly or through others, but for those that
    only keep results: what a measurement does not import cannot change its result."""
    waiting = [file]
    reached = {file}
    while waiting:
        new = _imported(waiting.pop()) - reached - _KEEPERS
        reached |= new
        waiting += new
    return reached


@functools.cache
def _imported(file: Path) -> frozenset[Path]:
    """The project's source files that one imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    ours = [_ROOT.joinpath(*name.split(".")) for name in names if name.startswith(("bench.", "fkp."))]
    files = [path.with_suffix(".py") for path in ours] + [path / "__init__.py" for path in ours]
    return frozenset(path for path in files if path.is_file())
