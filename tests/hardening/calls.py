"""Requests to the demo's endpoints, as its page never sends them: what Gradio gets to see of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from demo.guard import MAX_REQUEST, Guard
from fkp.errors import FkpError
from hardening.kinds import READ, REFUSED, Kind

_MARK = {"_type": "gradio.FileData"}
_ADDRESSES = ("http://127.0.0.1:9/x.jpg", "https://example.org/x.jpg", " HTTP://127.0.0.1/", "http:/x")
_ELSEWHERE = (
    "/etc/passwd",
    "../../etc/passwd",
    "/dev/zero",
    "/proc/self/environ",
    "",
    ".",
    "\0",
    "a" * 5000,
    "~",
)
_NO_FILES: tuple[Any, ...] = (5, True, "x", "/etc/passwd", [], [{"path": "/etc/passwd"}], 1.5)
_NO_TEXTS: tuple[Any, ...] = (
    {},
    {"path": "/etc/passwd", "meta": _MARK},
    [{"path": "http://x", "meta": _MARK}],
)
_BODIES = (
    b"",
    b"{",
    b"\xff",
    b"null",
    b"5",
    b"[]",
    b'"x"',
    b"[" * 20_000,
    b'{"nobody": 1}',
    b'{"data": 5}',
    b'{"data": []}',
)
_PATHS = (
    "login",
    "gradio_api/component_server",
    "gradio_api/process_recording",
    "gradio_api/vibe-edit",
    "gradio_api/run/nobody",
    "gradio_api/call/v2/nobody",
    "nothing",
)
_SHUT = (
    "gradio_api/file=http://example.org/",
    "gradio_api/proxy=https://x.hf.space/",
    "gradio_api/deep_link",
    "monitoring",
    "gradio_api/dev/reload",
    "gradio_api/vibe-code",
)


class _RefusedError(FkpError):
    """The guard refuses a request."""


def kinds() -> Iterator[Kind]:
    """All kinds of requests."""
    call = "gradio_api/run/find"
    for body in _BODIES:
        yield Kind("requests", f"a body of {body[:16]!r}", partial(_post, call, body), REFUSED)
    for count in (0, 1, 4, 50):
        yield Kind("requests", f"{count} values for 2", partial(_call, [None] * count), REFUSED)
    for path in _PATHS:
        yield Kind("requests", f"POST {path}", partial(_post, path, b'{"data": []}'), REFUSED)
    for path in _SHUT:
        yield Kind("requests", f"GET {path}", partial(_get, path), REFUSED)
    for mark in ({}, {"meta": _MARK}, {"meta": 5}):
        for address in _ADDRESSES[:3]:
            value = {"path": address, **mark}
            yield Kind(
                "files in requests",
                _title(value),
                partial(_call, [value, "x"]),
                REFUSED + ".*fetched",
            )
        for path in _ELSEWHERE:
            value = {"path": path, **mark}
            yield Kind("files in requests", _title(value), partial(_call, [value, "x"]), r"^read gone$")
    for value in _NO_FILES:
        yield Kind("files in requests", _title(value), partial(_call, [value, "x"]), REFUSED)
    for value in _NO_TEXTS:
        yield Kind("requests", f"for a text {json.dumps(value)[:44]}", partial(_call, [None, value]), REFUSED)
    for text in ("NaN", "1e999", "-Infinity", '"\\ud800"', "[" * 30 + "]" * 30):
        body = f'{{"data": [null, {text}]}}'.encode()
        yield Kind("requests", f"for a text {text[:20]}", partial(_post, call, body), REFUSED)
    large = b'{"data": [null, "' + b"x" * MAX_REQUEST + b'"]}'
    yield Kind("requests", "16 MB of JSON", partial(_post, call, large), REFUSED + ".*too large")
    yield Kind("files in requests", "none", partial(_call, [None, "x"]), READ + " None")
    upload = {"url": "data:image/png;base64,AAAA"}
    yield Kind("files in requests", "a data URL", partial(_call, [upload, "x"]), READ + " data:image")


def _title(value: object) -> str:
    """A value in at most 60 characters, long ones by their beginning and their length."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


@cache
def page() -> gr.Blocks:
    """A page with one endpoint, "find", which takes a picture and a text."""
    with gr.Blocks() as page:
        picture, text = gr.Image(type="filepath"), gr.Textbox()
        text.change(lambda picture, text: text, [picture, text], text, preprocess=False, api_name="find")
    return page


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """Stand for Gradio: respond with what it receives."""
    body = (await receive()).get("body", b"") if scope["method"] == "POST" else b"page"
    await PlainTextResponse(body)(scope, receive, send)


def _send(method: str, path: str, body: bytes | None, folder: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        response = TestClient(Guard(_echo, page())).request(method, f"/{path}", content=body)
    assert "frame-ancestors" in response.headers["content-security-policy"]
    if response.status_code >= 400:
        assert response.status_code < 500
        raise _RefusedError(f"{response.status_code} {response.text}")
    return response.text


def _get(path: str, folder: Path) -> str:
    return _send("GET", path, None, folder)


def _post(path: str, body: bytes, folder: Path) -> str:
    return _send("POST", path, body, folder)


def _call(data: list[Any], folder: Path) -> str:
    """What Gradio sees of the file: "gone" for the path at which nothing is, or the data URL."""
    seen = json.loads(_post("gradio_api/run/find", json.dumps({"data": data}).encode(), folder))["data"][0]
    if seen is None:
        return "None"
    assert set(seen) <= {"path", "url", "meta"}
    return seen.get("url") or Path(seen["path"]).relative_to(folder).as_posix()
