"""Measured results under the hash of what they depend on, so that nothing is measured twice.

A key names its task and the version of the task's protocol, the versions of the libraries, and the hashes
of the model's and the data set's files. It does not depend on the source code: after a change of what a
task computes, increase its `PROTOCOL`; of what the code under all tasks computes, `PIPELINE`.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import sys
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import onnxruntime
import PIL

from fkp.atomic import write_text
from fkp.datasets import cache_folder

# The version of what all tasks run through: `fkp.runtime`, `fkp.datasets`, `fkp.images`, `fkp.geometry`,
# `fkp.metrics`, and the modules of `bench` that several tasks import.
PIPELINE = 1

Key = Mapping[str, Any]
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def cache_key(task: str, protocol: int, **parts: Any) -> Key:
    """The key of one measurement.

    Args:
        task: its name.
        protocol: the version of what the task does.
        parts: what else the result depends on, as JSON values.
    """
    libraries = {
        "opencv": cv2.__version__,
        "onnxruntime": onnxruntime.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }
    return {"task": task, "protocol": [PIPELINE, protocol], "libraries": libraries, **parts}


class Cache:
    """Small JSON files in a folder, each named after the hash of its key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: Key, decode: Callable[[Any], T]) -> T | None:
        """What was stored under the key; None where nothing was, or it is damaged.

        Args:
            key: from `cache_key`.
            decode: makes the value from JSON, in which dataclasses are dictionaries of their fields.
        """
        try:
            return decode(json.loads(self._path(key).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return None

    def store(self, key: Key, value: Any) -> None:
        """Keep a value of JSON types and dataclasses; where the folder cannot be written to, say so."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(value, default=dataclasses.asdict))
        except OSError as error:
            print(f"not kept for the next run: {error}", file=sys.stderr)

    def _path(self, key: Key) -> Path:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{digest[:40]}.json"


def cached(
    cache: Cache,
    keys: Mapping[K, Key],
    decode: Callable[[Any], T],
    measure: Callable[[list[K]], Mapping[K, T]],
    lasts: Callable[[T], bool] = lambda value: True,
) -> dict[K, T]:
    """The value of every key's name, from the cache or else measured, all that are missing at once.

    Args:
        cache: where values are kept.
        keys: name -> key.
        decode: as for `Cache.load`.
        measure: the values of some names; it may leave names out.
        lasts: whether a new value is worth keeping.
    """
    values = {n: value for n, key in keys.items() if (value := cache.load(key, decode)) is not None}
    if fresh := [name for name in keys if name not in values]:
        for name, value in measure(fresh).items():
            values[name] = value
            if lasts(value):
                cache.store(keys[name], value)
    return {name: values[name] for name in keys if name in values}


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
