"""What the demo opens for its visitors: the files they uploaded, and nothing else on the server."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from demo_server import FACE, encoded, face_frames, running, save_models, save_video
from PIL import Image

from demo.files import open_upload
from demo.handlers import image
from demo.handlers.images import read_picture
from fkp.errors import ImageError

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20  # seconds; a device or a pipe that is read never responds
MARKED = {"meta": {"_type": "gradio.FileData"}}  # with it Gradio checks the path too
SECRET_POINTS = 68  # as many as "big" finds, so that the file would give errors in pixels


class Slot(NamedTuple):
    """An input for a file: what the page sends to the endpoint, and the file's place in it."""

    endpoint: str
    index: int
    data: list[Any]
    place: int
    kind: str


class Demo(NamedTuple):
    http: httpx.Client
    uploads: Path
    outside: Path  # where nobody may look: picture.png, video.mp4 and true.pts
    slots: dict[str, Slot]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    exported, uploads, outside = (tmp_path_factory.mktemp(name) for name in ("exported", "uploads", "secret"))
    save_models(exported)
    save_files(outside)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FKP_MODELS", str(exported))
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        with running() as address, httpx.Client(base_url=address, timeout=PATIENCE) as http:
            yield Demo(http, uploads, outside, slots(http.get("config").json()))


def save_files(folder: Path) -> dict[str, Path]:
    """A file of each kind that a component takes, which the handlers can use."""
    points = "\n".join(f"{100 + i} {100 + i % 7}" for i in range(SECRET_POINTS))
    files = {"image": folder / "picture.png", "video": folder / "video.mp4", "file": folder / "true.pts"}
    files["image"].write_bytes(encoded(Image.open(FACE).convert("RGB"), "PNG"))
    files["file"].write_text(f"version: 1\nn_points: {SECRET_POINTS}\n{{\n{points}\n}}\n")
    save_video(files["video"], face_frames(2, (240, 320)), sound=False)
    return files


def slots(config: dict[str, Any]) -> dict[str, Slot]:
    """Every input for a file of every endpoint, the private ones too."""
    components = {component["id"]: component for component in config["components"]}
    found = {}
    for endpoint in config["dependencies"]:
        inputs = [components[number] for number in endpoint["inputs"]]
        data = [component["props"].get("value") for component in inputs]
        for place, component in enumerate(inputs):
            if component["type"] in ("image", "video", "file"):
                name = f"{endpoint['api_name']}-{component['type']}"
                found[name] = Slot(endpoint["api_name"], endpoint["id"], data, place, component["type"])
    return found


def ask(demo: Demo, slot: Slot, payload: Any) -> dict[str, Any]:
    """The message with which an endpoint responds to a payload, sent as the page does."""
    data = [*slot.data[: slot.place], payload, *slot.data[slot.place + 1 :]]
    session = uuid.uuid4().hex
    # As a text, in which JSON escapes what no UTF-8 can say.
    join = json.dumps({"fn_index": slot.index, "data": data, "session_hash": session})
    headers = {"content-type": "application/json"}
    response = demo.http.post("gradio_api/queue/join", content=join, headers=headers)
    if response.status_code == 422:  # no file at all, or an address
        return {"success": False, "output": {"error": None}, "words": response.text}
    event = response.raise_for_status().json()["event_id"]
    give_up = time.monotonic() + PATIENCE
    with demo.http.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as lines:
        for line in lines.iter_lines():
            message = json.loads(line.removeprefix("data: ") or "{}")
            if message.get("msg") == "process_completed":
                return message
            if message.get("msg") == "process_streaming":  # the camera: one frame is enough
                demo.http.post(f"gradio_api/stream/{event}/close")
            if time.monotonic() > give_up:
                break
    raise AssertionError("no response")


def upload(demo: Demo, path: Path) -> dict[str, Any]:
    """Upload a file as the page does; what the page sends to an endpoint then."""
    with path.open("rb") as file:
        (stored,) = demo.http.post("gradio_api/upload", files={"files": file}).json()
    url = f"{demo.http.base_url}gradio_api/file={stored}"
    return {"path": stored, "url": url, "orig_name": path.name, "size": path.stat().st_size, **MARKED}


def assert_refused(demo: Demo, response: dict[str, Any]) -> None:
    """Either our sentence, or Gradio's error without words; no path, and nothing of a file."""
    text = json.dumps(response)
    silent = response["success"] is False and response["output"].get("error") is None
    assert silent or "no longer here: upload it again" in text, text
    for path in (demo.uploads, demo.outside, ROOT, "/dev/", "/etc/"):
        assert str(path) not in text


ENDPOINTS = (
    "analyze-image",
    "landmarks-image",
    "step-image",
    "annotate-video",
    "compare-image",
    "compare-file",
    "look-image",
)


def test_every_endpoint_that_takes_a_file_is_tested(demo):
    assert set(demo.slots) == set(ENDPOINTS)


@pytest.fixture(params=ENDPOINTS)
def slot(request, demo) -> Slot:
    return demo.slots[request.param]


@pytest.mark.parametrize(
    "mark", [{}, MARKED, {"meta": {}}, {"meta": None}], ids=["bare", "marked", "{}", "-"]
)
def test_no_endpoint_opens_what_was_not_uploaded(demo, slot, mark):
    """Files that the handlers could use, were they allowed to, and others that must not be touched."""
    secret = {"image": "picture.png", "video": "video.mp4", "file": "true.pts"}[slot.kind]
    up = os.path.relpath(demo.outside / secret, demo.uploads)
    link = demo.uploads / f"{uuid.uuid4()}-{secret}"
    link.symlink_to(demo.outside / secret)
    (demo.uploads / f"{link.name}-folder").symlink_to(demo.outside)
    for path in (
        str(demo.outside / secret),
        f"{demo.uploads}/{up}",
        os.path.relpath(demo.outside / secret),
        str(link),
        f"{link}-folder/{secret}",
        f"{demo.uploads}-else/{secret}",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/stdin",
        f"file://{demo.outside / secret}",
    ):
        assert_refused(demo, ask(demo, slot, {"path": path, **mark}))


@pytest.mark.parametrize("mark", [{}, MARKED], ids=["bare", "marked"])
def test_no_endpoint_waits_for_devices_pipes_or_folders(demo, slot, mark):
    pipe, folder = demo.uploads / f"{uuid.uuid4()}.jpg", demo.uploads / f"{uuid.uuid4()}"
    os.mkfifo(pipe)
    folder.mkdir()
    device = demo.uploads / f"{uuid.uuid4()}.png"
    device.symlink_to("/dev/zero")
    for path in ("/dev/zero", "/dev/ptmx", "/dev/ptmx", "/dev/random", pipe, folder, demo.uploads, device):
        assert_refused(demo, ask(demo, slot, {"path": str(path), **mark}))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        5,
        True,
        "/etc/passwd",
        ["/etc/passwd"],
        [{"path": "/etc/passwd"}],
        {"path": None},
        {"path": ""},
        {"path": 5},
        {"path": ["/etc/passwd"]},
        {"path": {"path": "/etc/passwd"}},
        {"path": "\0"},
        {"path": "/etc/passwd\0.jpg"},
        {"path": "\ud800"},
        {"path": "x" * 5_000},
        {"path": "a/" * 50_000},
        {"url": None},
        {"url": "/etc/passwd"},
        {"url": "file:///etc/passwd"},
        {"url": "http://127.0.0.1/"},
        {"path": None, "url": "/dev/zero,AAAA"},
        {"url": "data"},
        {"image": {"path": "/etc/passwd"}},
        {"video": {"path": "/etc/passwd"}},
    ],
    ids=lambda payload: json.dumps(payload)[:40],
)
def test_no_payload_is_too_odd_to_be_refused(demo, slot, payload):
    assert_refused(demo, ask(demo, slot, payload))


def test_uploads_are_used_by_every_endpoint(demo, slot, tmp_path):
    response = ask(demo, slot, upload(demo, save_files(tmp_path)[slot.kind]))
    assert response["success"] is True
    text = json.dumps(response)
    assert "fkp-problem" not in text or slot.endpoint == "look"
    said = {
        "analyze": "1 face, 68 points",
        "landmarks": '"width": 512',
        "step": "frames per second",
        "annotate": "2 frames in",
        "compare": "1 face, 68 points" if slot.kind == "image" else "NME",
        "look": "no convolution",  # of the models made for tests; it is said once the picture has been read
    }
    assert said[slot.endpoint] in text


def test_the_page_begins_with_pictures_that_it_may_open(demo):
    for name in ("analyze-image", "compare-image", "look-image"):
        slot = demo.slots[name]
        assert "upload it again" not in json.dumps(ask(demo, slot, slot.data[slot.place]))


def test_a_picture_that_was_replaced_since_is_not_drawn(demo, tmp_path):
    """What a visitor's state remembers is checked anew whenever it is opened."""
    stored = demo.uploads / f"{uuid.uuid4()}.png"
    shutil.copy(demo.outside / "picture.png", stored)
    found = image.analyze({"path": str(stored)}, "big", []).found
    assert found is not None
    assert image.downloads(found, []).png is not None
    stored.unlink()
    stored.symlink_to(demo.outside / "picture.png")
    assert "upload it again" in image.redraw(found, [])[0]
    assert image.downloads(found, []).png is None


@pytest.mark.parametrize("url", ["data:", "data:image/png;base64", "data:,é", "data:image/png;base64,AAA"])
def test_broken_data_urls_get_a_sentence(url):
    with pytest.raises(ImageError, match="your file is"):
        read_picture({"url": url})


def test_an_upload_is_opened_with_its_name(tmp_path, monkeypatch):
    """Also where the folder itself is reached through a link, as /tmp is on macOS."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "a.txt").write_bytes(b"hello")
    for folder in ("real", "link"):
        monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / folder))
        with open_upload({"path": str(tmp_path / folder / "a.txt")}) as file:
            assert file.read() == b"hello"
            assert file.name == str(tmp_path / "real" / "a.txt")


@pytest.mark.parametrize(
    "name", ["pipe", ".", "gone", "file/more", "loop", "x" * 5_000, "a/" * 50_000, "\0", "\ud800"]
)
def test_what_is_no_regular_file_is_refused_and_closed(tmp_path, monkeypatch, name):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError):
        open_upload({"path": f"{tmp_path}/{name}"})
    with pytest.raises(OSError, match="No such device"):  # nobody has the pipe's other end
        os.open(tmp_path / "pipe", os.O_WRONLY | os.O_NONBLOCK)
