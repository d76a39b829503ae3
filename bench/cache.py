"""Measured results by the hash of all that they depend on, so that nothing is measured twice."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fkp

# Modules of the library that no measurement runs through.
_WITHOUT_INFLUENCE = frozenset(
    {
        "__init__.py",
        "__main__.py",
        "cli.py",
        "check.py",
        "download.py",
        "drawing.py",
        "media.py",
        "results.py",
    }
)


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


def code_hash(*files: str) -> str:
    """A hash of the code that a measurement runs through: the library's, and the given source files."""
    library = Path(fkp.__path__[0])
    paths = [Path(file) for file in files]
    for folder in (library, library / "datasets", library / "runtime"):
        paths += [path for path in sorted(folder.glob("*.py")) if path.name not in _WITHOUT_INFLUENCE]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()
