"""Measured results by the hash of all that they depend on, so that nothing is measured twice."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]


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
    """The user's cache: `bench` in $FKP_CACHE, else in ~/.cache/fkp."""
    root = os.environ.get("FKP_CACHE")
    return Cache((Path(root) if root else Path.home() / ".cache" / "fkp") / "bench")


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


def code_hash(*files: str, without: str = "") -> str:
    """A hash of the code that a measurement runs through: these source files, and `library_of` them.

    Args:
        files: of the benchmark, or of the library.
        without: a room of the library whose part in the result is known from something else.
    """
    paths = {Path(file) for file in files}
    left_out = _ROOT / "fkp" / without if without else None
    paths |= {path for path in library_of(paths) if left_out is None or left_out not in path.parents}
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(paths))).hexdigest()


def library_of(files: Iterable[Path]) -> set[Path]:
    """The library's modules that source files of the benchmark import, directly or through others.

    What a measurement does not import cannot change its result.
    """
    waiting = list(files)
    reached = set(waiting)
    while waiting:
        new = _imported(waiting.pop()) - reached
        reached |= new
        waiting += new
    return {path for path in reached if path.is_relative_to(_ROOT / "fkp")}


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
