"""Resumable downloads of the public data sets; archives are unpacked completely or not at all."""

from __future__ import annotations

import errno
import gzip
import hashlib
import http.client
import shutil
import ssl
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from fkp.datasets.catalog import IBUG_FOLDER, IMM_FOLDER, YTF_FOLDER
from fkp.errors import DownloadError

_CHUNK = 1 << 20
# What the disk says, not the archive.
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE}
_TIMEOUT = 30  # seconds without a sign of life from the server


@dataclass(frozen=True, slots=True)
class Archive:
    """A public archive.

    Attributes:
        url: where it is.
        folder: of the data root, where its content belongs.
        sha256: of the file, in hexadecimal; None where none is published.
    """

    url: str
    folder: str
    sha256: str | None = None

    @property
    def file_name(self) -> str:
        return self.url.rpartition("/")[2]


ARCHIVES: Mapping[str, Archive] = {
    "ibug": Archive("http://dlib.net/files/data/ibug_300W_large_face_landmark_dataset.tar.gz", IBUG_FOLDER),
    "imm": Archive("http://www.imm.dtu.dk/~aam/datasets/imm_face_db.tar.gz", IMM_FOLDER),
    "ytf": Archive(
        "https://s3.amazonaws.com/video.udacity-data.com/topher/2018/May/5aea1b91_train-test-data/"
        "train-test-data.zip",
        YTF_FOLDER,
    ),
}


def get(archive: Archive, root: Path) -> Path:
    """Download an archive, unpack it into its folder of the data root, and return that folder.

    An interrupted download is continued. The archive is deleted once it is unpacked.

    Raises:
        DownloadError: the folder is there already, the server cannot be reached or has no such
            file, the download broke off, the archive is broken or another one than is expected, or the disk
            is full.
    """
    target = root / archive.folder
    if target.exists():
        raise DownloadError(f"{target} is there already; remove it to get it anew")
    file = root / archive.file_name
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            download(archive.url, file)
        _check_sha256(file, archive.sha256)
        unpack(file, target)
        file.unlink()
    except OSError as error:
        raise DownloadError(f"{target} could not be written: {error}") from error
    return target


def download(url: str, file: Path) -> None:
    """Download `url`; what there is of it stays in `file` + `.part` until it is whole.

    Raises:
        DownloadError: it could not be had, or not to its end.
    """
    part = file.with_name(file.name + ".part")
    done = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"User-Agent": "fkp", **({"Range": f"bytes={done}-"} if done else {})})
    try:
        with urlopen(request, timeout=_TIMEOUT) as response:
            _save(response, part, done, file.name)
    except HTTPError as error:
        if not done or error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise DownloadError(f"{url} returned {error.code} {error.reason}") from error
        if error.headers["Content-Range"] != f"bytes */{done}":  # longer than what there is to get
            part.unlink()
            download(url, file)
            return
    except URLError as error:
        raise DownloadError(f"{url} cannot be reached: {error.reason}") from error
    except (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        raise DownloadError(f"{url} broke off ({error!r}); run the command again to continue") from error
    part.replace(file)


def _save(response: http.client.HTTPResponse, part: Path, done: int, title: str) -> None:
    """Append the response to what is `done`, or start over where the server ignored the range."""
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        done = 0
    elif not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
        raise DownloadError(f"{title}: the server sent another part than was asked for; delete {part}")
    length = response.headers.get("Content-Length", "")
    total = done + int(length) if length.isdecimal() else None
    if total and total - done > (free := shutil.disk_usage(part.parent).free):
        raise DownloadError(f"{title} needs {total - done:,} more bytes, but {part.parent} has {free:,} free")
    with (
        part.open("ab" if done else "wb") as stream,
        tqdm(desc=title, initial=done, total=total, unit="B", unit_scale=True, disable=None) as bar,
    ):
        while chunk := response.read(_CHUNK):
            stream.write(chunk)
            bar.update(len(chunk))
    if total and (size := part.stat().st_size) != total:
        raise DownloadError(f"{title} broke off at {size:,} of {total:,} bytes; run it again to continue")


def unpack(file: Path, target: Path) -> None:
    """Unpack a `.tar.gz` or `.zip` as the folder `target`, which appears only when it is whole.

    Whether the archive itself holds a folder of that name or just its content makes no difference.

    Raises:
        DownloadError: the archive is broken, or an entry of it would land outside the folder; the
            archive is deleted.
    """
    temporary = target.parent / f".unpack-{target.name}"
    content = temporary / "content"
    shutil.rmtree(temporary, ignore_errors=True)  # left by a killed process
    content.mkdir(parents=True)
    try:
        if file.suffix == ".zip":
            _unpack_zip(file, content)
        else:
            _unpack_tar_gz(file, content)
        inner = content / target.name
        (inner if inner.is_dir() else content).rename(target)
    except Exception as error:  # readers of damaged archives raise nearly anything
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            raise
        file.unlink()
        raise DownloadError(f"{file.name} is broken and was deleted ({error}); get it again") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack_tar_gz(file: Path, folder: Path) -> None:
    with gzip.open(file) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            tar.extractall(folder, filter="data")
        while stream.read(_CHUNK):  # to the end of the stream, where the checksum of the whole is compared
            pass


def _unpack_zip(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            path = PurePosixPath(info.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in info.filename:
                raise zipfile.BadZipFile(f"the entry {info.filename!r} lies outside")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise zipfile.BadZipFile(f"the entry {info.filename!r} is a link")
        archive.extractall(folder)


def _check_sha256(file: Path, expected: str | None) -> None:
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    print(f"SHA-256 of {file.name}: {actual}")
    if expected and actual != expected:
        file.unlink()
        raise DownloadError(f"{file.name} is not the archive that is expected, with the SHA-256 {expected}")
