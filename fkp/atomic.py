"""Files that are written whole or not at all: a kill or a full disk leaves the earlier file as it was."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A new, empty file beside `path`; it takes the place of `path` when the block ends.

    When the block raises, the draft is deleted and `path` stays untouched.

    Args:
        path: what will be written; its folder must exist.

    Raises:
        OSError: the folder cannot be written to, or the disk is full.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.chmod(_mode_of(path))
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with draft_of(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with draft_of(path) as draft:
        draft.write_bytes(content)


def _mode_of(path: Path) -> int:
    """The permissions of the file that is replaced; of a new one what the umask leaves."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
