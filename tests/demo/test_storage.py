"""What visitors send is deleted in time, whatever happens, and nobody else's file is."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from demo_server import save_models

from demo import storage
from demo.ui import build, files_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return storage.use_private_folder()


def pass_time(monkeypatch, seconds: float) -> None:
    """Files tell their own time of change, so it is the clock that goes on."""
    later = time.time() + seconds
    monkeypatch.setattr(storage.time, "time", lambda: later)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_the_folder_is_private_and_of_this_process(folder, tmp_path):
    assert folder.parent.parent == tmp_path
    assert storage.upload_folder() == folder
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o700}


def test_a_folder_of_another_kind_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    taken = storage.use_private_folder().parent
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "else"))
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / taken.name).symlink_to(taken)
    with pytest.raises(PermissionError, match="set GRADIO_TEMP_DIR"):
        storage.use_private_folder()


def test_uploads_results_and_broken_off_uploads_go_after_the_promised_time(folder, monkeypatch):
    (folder / "hash").mkdir()
    (folder / "hash" / "face.jpg").write_bytes(b"x")
    (folder / "tmpbrokenoff").write_bytes(b"x")
    (storage.new_folder() / "deep").mkdir()
    os.utime(folder / "hash" / "face.jpg", (1, 1))  # a copy tells the age of its original
    pass_time(monkeypatch, storage.KEPT_SECONDS - 10)
    storage.clean(folder)
    assert len(names(folder)) == 5
    pass_time(monkeypatch, storage.KEPT_SECONDS + 10)
    for _ in range(2):  # a folder whose file has just gone has changed: it goes later
        storage.clean(folder)
        pass_time(monkeypatch, 2 * storage.KEPT_SECONDS + 20)
    assert names(folder) == set()


def test_the_example_and_what_is_being_worked_on_stay(folder, monkeypatch):
    example, upload, job = folder / "example.jpg", folder / "clip.mp4", storage.new_folder()
    for path in (example, upload, job / "landmarks.mp4"):
        path.write_bytes(b"x")
    pass_time(monkeypatch, storage.KEPT_SECONDS + 10)
    with storage.in_use(upload, job):
        storage.clean(folder, keep={example})
        assert names(folder) == {"example.jpg", "clip.mp4", job.name, f"{job.name}/landmarks.mp4"}
    storage.clean(folder, keep={example})
    assert "example.jpg" in names(folder)
    assert not upload.exists()
    assert not (job / "landmarks.mp4").exists()


def test_links_are_removed_and_not_followed(folder, tmp_path, monkeypatch):
    mine = tmp_path / "mine.txt"
    mine.write_text("keep me")
    (folder / "link").symlink_to(mine)
    (folder / "folder").symlink_to(tmp_path)
    pass_time(monkeypatch, storage.KEPT_SECONDS + 10)
    storage.clean(folder)
    assert names(folder) == set()
    assert mine.read_text() == "keep me"


def test_what_a_killed_process_left_is_deleted_by_the_next_one(folder, monkeypatch):
    left = storage.new_folder()
    (left / "face.jpg").write_bytes(b"x")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder.parents[1]))
    other = storage.use_private_folder()
    storage.clean(other)
    assert (left / "face.jpg").exists()
    pass_time(monkeypatch, storage.KEPT_SECONDS + 10)
    storage.clean(other)
    assert not folder.exists()
    assert other.exists()


def test_the_cleaner_survives_a_failure(folder, monkeypatch):
    calls = []

    def keep():
        calls.append(1)
        raise RuntimeError

    monkeypatch.setattr(storage, "CLEANED_EVERY", 0.01)
    monkeypatch.setattr(storage.atexit, "register", lambda *_args, **_kwargs: None)
    storage.start_cleaning(folder, keep)
    give_up = time.monotonic() + 10
    while len(calls) < 3 and time.monotonic() < give_up:
        time.sleep(0.01)
    assert len(calls) >= 3


def test_the_page_keeps_what_it_shows(folder, tmp_path, monkeypatch):
    save_models(tmp_path)
    monkeypatch.setenv("FKP_MODELS", str(tmp_path))
    page = build()
    (folder / "upload").write_bytes(b"x")
    page.temp_file_sets[0].add(str(folder / "deleted"))
    shown = names(folder) - {"upload"}
    assert any(name.endswith("eileen-collins.jpg") for name in shown)
    pass_time(monkeypatch, storage.KEPT_SECONDS + 10)
    storage.clean(folder, files_of(page))
    assert {name for name in shown if name.endswith(".jpg")} <= names(folder)
    assert "upload" not in names(folder)
    assert str(folder / "deleted") not in page.temp_file_sets[0]


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_process_that_ends_deletes_its_files(tmp_path):
    code = (
        "import time; from demo.storage import end_on_sigterm, start_cleaning, use_private_folder;"
        "folder = use_private_folder(); end_on_sigterm(folder);"
        "(folder / 'upload').touch(); start_cleaning(folder, set); print(folder, flush=True); time.sleep(60)"
    )
    env = os.environ | {"GRADIO_TEMP_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    folder = Path(process.stdout.readline().strip())
    assert (folder / "upload").exists()
    process.terminate()
    assert process.wait(20) == 128 + signal.SIGTERM
    assert not folder.exists()
