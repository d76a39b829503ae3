"""The demo's folder on disk: private to its process, emptied of all that is older than an hour."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEPT_SECONDS = 3600
CLEANED_EVERY = 60  # seconds
_VARIABLE = "GRADIO_TEMP_DIR"  # names the folder in which Gradio stores uploads, and from which it serves
_in_use: set[Path] = set()


def upload_folder() -> Path:
    """Where uploads and results are: as Gradio reads its variable."""
    return Path(os.environ.get(_VARIABLE) or Path(tempfile.gettempdir(), "gradio").resolve())


def use_private_folder() -> Path:
    """Make this process's folder, which only its user can read, and have Gradio use it.

    It lies in a folder of this application and user under $GRADIO_TEMP_DIR, else under the system's
    temporary folder. Call it before Gradio is imported.

    Raises:
        OSError: the folder cannot be made, or belongs to another user.
    """
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    parent = Path(os.environ.get(_VARIABLE) or tempfile.gettempdir()).resolve() / f"fkp-demo-{user}"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
        raise PermissionError(f"{parent} is not a folder of this user: set {_VARIABLE} to another folder")
    parent.chmod(0o700)
    folder = Path(tempfile.mkdtemp(dir=parent))
    os.environ[_VARIABLE] = str(folder)
    return folder


def clean(folder: Path, keep: Collection[Path] = ()) -> None:
    """Delete what is older than `KEPT_SECONDS`, here and in the folders of processes that have ended.

    A process calls this every minute, which renews its folder's time; a folder whose time is old has
    no process any more.

    Args:
        folder: this process's folder, as `use_private_folder` gave it.
        keep: files of the page itself. What is `in_use` is kept too.
    """
    oldest = time.time() - KEPT_SECONDS
    kept = {*keep, *_in_use}
    for path in _below(folder):
        if path not in kept and not kept.intersection(path.parents) and _changed(path) < oldest:
            _delete(path)
    with suppress(OSError):
        os.utime(folder)
    for other in _entries(folder.parent):
        if other != folder and _changed(other) < oldest:
            shutil.rmtree(other, ignore_errors=True)


def start_cleaning(folder: Path, keep: Callable[[], Collection[Path]]) -> None:
    """Call `clean` now and every minute, in a thread; when the process ends, delete everything."""

    def work() -> None:
        while True:
            with suppress(Exception):  # one error must not keep the visitors' files forever
                clean(folder, keep())
            time.sleep(CLEANED_EVERY)

    threading.Thread(target=work, name="cleaner", daemon=True).start()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def end_on_sigterm(folder: Path) -> None:
    """Delete a folder and end the process when it is asked to end.

    The process ends in the handler itself: an exception raised there can be lost in a callback of a library,
    and the demo would go on.
    """

    def end(number: int, _: object) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, end)


@contextmanager
def in_use(*paths: Path) -> Iterator[None]:
    """Keep files, and folders with what is in them, from being deleted while they are processed."""
    _in_use.update(paths)
    try:
        yield
    finally:
        _in_use.difference_update(paths)


def _below(folder: Path) -> Iterator[Path]:
    """All that is below a folder, what is in a folder before the folder itself."""
    for path, folders, files in os.walk(folder, topdown=False):
        yield from (Path(path, name) for name in (*files, *folders))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _changed(path: Path) -> float:
    """When a file was created here, or a folder last changed, even if it is a copy with an older time."""
    try:
        return path.lstat().st_ctime
    except OSError:  # another visitor's job has just removed it
        return float("inf")


def _delete(path: Path) -> None:
    with suppress(OSError):  # a folder with something new in it stays
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def new_folder() -> Path:
    """A new folder for results under an unguessable name."""
    parent = upload_folder()
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="landmarks-", dir=parent))
