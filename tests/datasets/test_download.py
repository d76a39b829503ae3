"""Downloads from a server of our own on the loopback interface."""

import errno
import hashlib
import io
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fkp.datasets import DATASETS
from fkp.datasets import download as d
from fkp.errors import DownloadError


class Server(ThreadingHTTPServer):
    """Serves `body` at any path; the other attributes make it misbehave."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = b""
        self.status = 200
        self.takes_ranges = True
        self.sends = None  # only so many bytes of what it promised
        self.range_error = 0
        self.content_range = True
        self.length = None  # instead of the true one
        self.ranges = []

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/files/{name}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        asked = self.headers["Range"]
        server.ranges.append(asked)
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.takes_ranges else 0
        if server.status != 200:
            self.send_error(server.status)
        elif first and first >= len(server.body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.body)}")
            self.end_headers()
        else:
            self.send_response(206 if first else 200)
            if first and server.content_range:
                begin = first + server.range_error
                self.send_header("Content-Range", f"bytes {begin}-{len(server.body) - 1}/{len(server.body)}")
            self.send_header("Content-Length", server.length or str(len(server.body) - first))
            self.end_headers()
            self.wfile.write(server.body[first:][: server.sends])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tar_gz(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            if content.startswith(b"-> "):
                info.type, info.linkname = tarfile.SYMTYPE, content[3:].decode()
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            if content.startswith(b"-> "):
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, content.removeprefix(b"-> "))
    return buffer.getvalue()


PACKERS = {"faces.tar.gz": tar_gz, "faces.zip": zipped}
every_kind = pytest.mark.parametrize("name", PACKERS)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@every_kind
@pytest.mark.parametrize("top", ["", "faces/"], ids=["content alone", "in a folder"])
def test_get(server, tmp_path, capsys, name, top):
    server.body = PACKERS[name]({f"{top}a.txt": b"one", f"{top}sub/b.txt": b"two"})
    folder = d.get(d.Archive(server.url(name), "deep/faces"), tmp_path / "data")
    assert folder == tmp_path / "data/deep/faces"
    assert files(tmp_path) == ["data/deep/faces/a.txt", "data/deep/faces/sub/b.txt"]
    assert (folder / "sub/b.txt").read_bytes() == b"two"
    assert folder.stat().st_mode & 0o055, "others may read it"
    assert hashlib.sha256(server.body).hexdigest() in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "data/deep").iterdir()] == ["faces"]


def test_what_is_there_is_left_alone(server, tmp_path):
    (tmp_path / "faces").mkdir()
    with pytest.raises(DownloadError, match="already"):
        d.get(d.Archive(server.url("faces.zip"), "faces"), tmp_path)
    assert server.ranges == []


def test_a_broken_off_download_goes_on(server, tmp_path):
    server.body = bytes(range(256)) * 4000
    file = tmp_path / "x.zip"
    server.sends = 300_000
    with pytest.raises(DownloadError, match="broke off"):
        d.download(server.url("x.zip"), file)
    assert files(tmp_path) == ["x.zip.part"]
    server.sends = None
    d.download(server.url("x.zip"), file)
    assert server.ranges == [None, "bytes=300000-"]
    assert file.read_bytes() == server.body
    assert files(tmp_path) == ["x.zip"]


def test_a_server_that_ignores_the_range(server, tmp_path):
    server.body, server.takes_ranges = b"0123456789", False
    (tmp_path / "x.part").write_bytes(b"01234")
    d.download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == server.body


def test_a_server_that_sends_another_part(server, tmp_path):
    server.body, server.range_error = b"0123456789", 2
    (tmp_path / "x.part").write_bytes(b"01234")
    with pytest.raises(DownloadError, match="another part"):
        d.download(server.url("x"), tmp_path / "x")


def test_a_part_of_which_nobody_says_where_it_begins(server, tmp_path):
    server.body, server.content_range = b"0123456789", False
    (tmp_path / "x.part").write_bytes(b"01234")
    with pytest.raises(DownloadError, match="another part"):
        d.download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x.part").read_bytes() == b"01234"


def test_a_length_that_is_no_number(server, tmp_path):
    server.body, server.length = b"0123456789", "many"
    d.download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == server.body


def test_a_range_is_refused_that_nobody_asked_for(server, tmp_path):
    server.status = 416
    with pytest.raises(DownloadError, match="returned 416"):
        d.download(server.url("x"), tmp_path / "x")


@pytest.mark.parametrize("had", [b"0123456789", b"0123456789 and too much"])
def test_a_part_that_is_whole_or_too_long(server, tmp_path, had):
    server.body = b"0123456789"
    (tmp_path / "x.part").write_bytes(had)
    d.download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == server.body


@pytest.mark.parametrize("status", [404, 403, 500])
def test_the_server_refuses(server, tmp_path, status):
    server.status = status
    (tmp_path / "x.part").write_bytes(b"01234")
    with pytest.raises(DownloadError, match=f"http://.*/x returned {status} "):
        d.download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x.part").read_bytes() == b"01234"


def test_nobody_listens(server, tmp_path):
    url = server.url("x")
    server.server_close()
    with pytest.raises(DownloadError, match=r"cannot be reached|broke off"):
        d.download(url, tmp_path / "x")


def test_no_room(server, tmp_path, monkeypatch):
    server.body = b"0123456789"
    monkeypatch.setattr(d.shutil, "disk_usage", lambda path: d.shutil._ntuple_diskusage(100, 95, 5))
    with pytest.raises(DownloadError, match=r"needs 10 more bytes.* has 5 free"):
        d.download(server.url("x"), tmp_path / "x")


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DownloadError, match="could not be written"):
        d.get(d.Archive(server.url("x.zip"), "faces"), tmp_path / "data")


@every_kind
@pytest.mark.parametrize(
    "entries",
    [
        {"ok.txt": b"ok", "../evil.txt": b"evil"},
        {"ok.txt": b"ok", "sub/../../evil.txt": b"evil"},
        {"ok.txt": b"ok", "link": b"-> ../../etc"},
        {"ok.txt": b"ok", "link": b"-> /etc/hostname"},
    ],
    ids=["parent", "hidden parent", "link", "absolute link"],
)
def test_entries_that_would_land_outside(server, tmp_path, name, entries):
    server.body = PACKERS[name](entries)
    with pytest.raises(DownloadError, match=r"broken and was deleted .*(outside|link)"):
        d.get(d.Archive(server.url(name), "faces"), tmp_path / "data")
    assert files(tmp_path) == []


@pytest.mark.parametrize("path", ["/evil.txt", "C:\\evil.txt", "..\\evil.txt"])
def test_zip_entries_with_absolute_paths(tmp_path, path):
    file = tmp_path / "x.zip"
    file.write_bytes(zipped({path: b"evil"}))
    with pytest.raises(DownloadError, match="outside"):
        d.unpack(file, tmp_path / "faces")


@every_kind
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"<html>", lambda b: b""])
def test_a_broken_archive(server, tmp_path, name, damage):
    server.body = damage(PACKERS[name]({"a": bytes(range(256)) * 500, "b": b"b"}))
    with pytest.raises(DownloadError, match="broken"):
        d.get(d.Archive(server.url(name), "faces"), tmp_path / "data")
    assert files(tmp_path) == []


def test_an_archive_with_another_hash_than_is_expected(server, tmp_path):
    server.body = zipped({"a": b"a"})
    expected = hashlib.sha256(server.body).hexdigest()
    url = server.url("faces.zip")
    with pytest.raises(DownloadError, match=f"not the archive that is expected, with the SHA-256 {'0' * 64}"):
        d.get(d.Archive(url, "faces", "0" * 64), tmp_path)
    assert files(tmp_path) == []
    d.get(d.Archive(url, "faces", expected), tmp_path)
    assert files(tmp_path) == ["faces/a"]


@pytest.mark.parametrize("place", [-1, -5, -8], ids=["length", "checksum", "end of the checksum"])
def test_damage_at_the_very_end_of_a_tar_gz(tmp_path, place):
    """All files are in what comes before: only reading to the end shows that they may be others."""
    content = bytearray(tar_gz({"a": bytes(range(256)) * 50}))
    content[place] ^= 1
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(DownloadError, match="broken and was deleted"):
        d.unpack(tmp_path / "x.tar.gz", tmp_path / "faces")
    assert files(tmp_path) == []


def encrypted(content):
    content = bytearray(content)
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def compressed_by(method):
    def change(content):
        content = bytearray(content)
        for signature, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
            content[content.index(signature) + offset] = method
        return bytes(content)

    return change


ODD_ZIPS = {
    "encrypted": encrypted(zipped({"a": b"secret"})),
    "unknown compression": compressed_by(97)(zipped({"a": b"a"})),
    "not the compression it says": compressed_by(12)(zipped({"a": b"a" * 99})),
    "damaged LZMA": compressed_by(14)(zipped({"a": b"a" * 99})),
    "a file and a folder of one name": zipped({"a": b"a", "a/b": b"b"}),
    "a name that is too long": zipped({"a" * 300: b"a"}),
}


@pytest.mark.parametrize("kind", ODD_ZIPS)
def test_odd_zips(tmp_path, kind):
    (tmp_path / "x.zip").write_bytes(ODD_ZIPS[kind])
    with pytest.raises(DownloadError, match="broken and was deleted"):
        d.unpack(tmp_path / "x.zip", tmp_path / "faces")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_cleaned_up(tmp_path):
    file = tmp_path / "x.tar.gz"
    file.write_bytes(tar_gz({"a": b"new"}))
    code = (
        "import os, sys, tarfile; from pathlib import Path; from fkp.datasets import download\n"
        "def extractall(self, path, filter):\n"
        "    Path(path, 'half').touch()\n"
        "    os.kill(os.getpid(), 9)\n"
        "tarfile.TarFile.extractall = extractall\n"
        "download.unpack(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    done = subprocess.run([sys.executable, "-c", code, file, tmp_path / "faces"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert files(tmp_path) == [".unpack-faces/content/half", "x.tar.gz"]
    d.unpack(file, tmp_path / "faces")
    assert files(tmp_path) == ["faces/a", "x.tar.gz"]


def test_a_full_disk_is_not_the_archives_fault(tmp_path, monkeypatch):
    file = tmp_path / "x.tar.gz"
    file.write_bytes(tar_gz({"a": b"a"}))

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extractall", full)
    with pytest.raises(OSError, match="No space left"):
        d.unpack(file, tmp_path / "faces")
    assert files(tmp_path) == ["x.tar.gz"]


def test_the_public_archives_go_where_the_catalog_looks():
    # Labeled sets are made of others' pictures; these are handed out on request only.
    public = {s.folder for s in DATASETS.values() if not s.pseudo_labeled}
    public -= {"merl_rav", "cfp_profile", "WFLW"}
    assert {archive.folder for archive in d.ARCHIVES.values()} == public
    assert [archive.file_name for archive in d.ARCHIVES.values()] == [
        "ibug_300W_large_face_landmark_dataset.tar.gz",
        "imm_face_db.tar.gz",
        "train-test-data.zip",
    ]
