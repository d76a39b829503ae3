"""Middleware in front of Gradio: it passes on the requests that this page sends, and refuses all others."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

import gradio as gr
from starlette.responses import FileResponse, PlainTextResponse, Response

from demo.files import is_upload
from demo.handlers.leaderboard import ADDRESS, REPORT
from demo.storage import upload_folder
from fkp.errors import RefusedError

MAX_UPLOAD = 100_000_000  # bytes
MAX_REQUEST = 16_000_000  # bytes of JSON: a frame of a camera, or a picture as a data URL
_MULTIPART_SLACK = 10_000  # bytes that wrap an upload
_DEEPEST = 10  # levels of a request's values
_CALL = re.compile(
    r"/gradio_api/(?:(?:run|api|call(?P<named>/v2)?)/(?P<name>\w+)|queue/join|stream/\w+(?P<close>/close)?)/?"
)
_ENDS = re.compile(r"/gradio_api/(?:cancel|reset/?)")
_UPLOADS = re.compile(r"/gradio_api/(?:upload|mcp(?:/.*)?)")
# Pages and addresses of Gradio that this demo does not use.
_CLOSED = re.compile(
    r"/gradio_api/(?:proxy=|file=\w+:|dev/|vibe|deep_link|runs|run-history|profiling).*|/monitoring.*"
)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_FRAMES = "'self' https://huggingface.co https://*.huggingface.co https://*.hf.space"
_HEADERS = {
    "content-security-policy": f"frame-ancestors {_FRAMES}; object-src 'none'; base-uri 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """ASGI middleware around Gradio's application.

    It refuses what the page does not use, bounds the size of requests, replaces every file in a request
    that is no upload by one that does not exist, so that Gradio neither downloads addresses nor opens
    other files, and sets the headers that name the sites that may frame the page.
    """

    def __init__(self, app: App, page: gr.Blocks) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *_encoded(_HEADERS)]
            await send(message)

        try:
            app, receive = await self._pass(scope, receive)
            await app(scope, receive, send_with_headers)
        except (RefusedError, TypeError) as error:
            if not isinstance(error, RefusedError):
                if not _UPLOADS.fullmatch(scope["path"]):
                    raise
                error = RefusedError(
                    400, "The upload holds no file."
                )  # what Gradio says of one without a name
            if not started:
                response = PlainTextResponse(error.text, error.status)
                await response(scope, receive, send_with_headers)

    async def _pass(self, scope: Scope, receive: Receive) -> tuple[App | Response, Receive]:
        """The application that handles a request, and what it may read.

        Raises:
            RefusedError: it is not allowed.
        """
        path, method = scope["path"], scope["method"]
        if path == f"/{ADDRESS}" and REPORT.is_file():
            return FileResponse(REPORT), receive
        if _CLOSED.fullmatch(path):
            raise RefusedError(404, "There is nothing here.")
        if method in ("GET", "HEAD", "OPTIONS"):
            return self._app, receive
        if match := _CALL.fullmatch(path):
            if match["close"]:
                return self._app, _bounded(scope, receive, 0)
            body = await _read(_bounded(scope, receive, MAX_REQUEST))
            checked = self._checked(body, match["name"], "/stream/" in path)
            scope["path"] = path.replace("/call/v2/", "/call/")
            return self._app, _replay(checked, receive)
        if _ENDS.fullmatch(path):
            call = _parsed(await _read(_bounded(scope, receive, MAX_REQUEST)))
            return self._app, _replay(json.dumps({key: _plain(call[key]) for key in call}).encode(), receive)
        if _UPLOADS.fullmatch(path):
            return self._app, _bounded(scope, receive, MAX_UPLOAD + _MULTIPART_SLACK)
        raise RefusedError(404, "There is nothing here.")

    def _checked(self, body: bytes, name: str | None, streamed: bool) -> bytes:
        """The body of a call with only what Gradio has to see of it.

        Args:
            body: JSON; of a call whose values have names, these and nothing else.
            name: of the endpoint, where the address has it.
            streamed: it is the next frame of a camera.

        Raises:
            RefusedError: it cannot be a call.
        """
        call = _parsed(body)
        function = self._function(call, name, streamed)
        kept = {key: call[key] for key in ("session_hash", "event_id") if isinstance(call.get(key), str)}
        kept |= {key: call[key] for key in ("fn_index", "trigger_id") if type(call.get(key)) is int}
        data = call["data"] if "data" in call else _by_name(function, call)
        if not isinstance(data, list):
            raise RefusedError(422, "The data of a request are a list.")
        kept["data"] = _values(function.inputs, data)
        if call.get("simple_format") is True:
            kept["simple_format"] = True
        return json.dumps(kept).encode()

    def _function(self, call: Mapping[str, Any], name: str | None, streamed: bool) -> Any:
        """Gradio's description of the endpoint that a call is for."""
        index = call.get("fn_index")
        for function in self._page.fns.values():
            if streamed:
                found = function.connection == "stream"
            else:
                found = function._id == index if type(index) is int else function.api_name == name
            if found and function.fn is not None:
                return function
        raise RefusedError(404, "There is no such endpoint.")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        call = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "The request is not JSON.") from None
    if not isinstance(call, dict):
        raise RefusedError(422, "The request is no JSON object.")
    return call


def _by_name(function: Any, call: Mapping[str, Any]) -> list[Any]:
    """The values of a call that gives them by their names; the page's own ones where it leaves some out."""
    names = function.input_parameter_names or []
    if not set(call) <= set(names):
        raise RefusedError(422, f"The endpoint takes: {', '.join(names) or 'nothing'}.")
    return [call.get(name, block.value) for name, block in zip(names, function.inputs, strict=True)]


def _values(inputs: Sequence[Any], data: Sequence[Any]) -> list[Any]:
    """The values of a call as they may be passed on; states, which a program leaves out, have none.

    Raises:
        RefusedError: there are too few or too many, or one is of an impossible kind.
    """
    if len(data) != len(inputs):
        sent = [component for component in inputs if not component.skip_api]
        if len(data) != len(sent):
            raise RefusedError(422, f"The endpoint takes {len(sent)} values, not {len(data)}.")
        given = iter(data)
        data = [None if component.skip_api else next(given) for component in inputs]
    return [_value(component, value) for component, value in zip(inputs, data, strict=True)]


def _value(component: Any, value: Any) -> Any:
    if isinstance(component, gr.Dataset) and (
        type(value) is not int or not 0 <= value < len(component.samples)
    ):
        raise RefusedError(422, "There is no such example.")
    if value is None or not isinstance(component, gr.Image | gr.Video | gr.File):
        return _plain(value)
    if not isinstance(value, dict):
        raise RefusedError(422, "A file is given by its path.")
    return _file(value, may_be_inline=isinstance(component, gr.Image))


def _plain(value: Any) -> Any:
    if not _is_plain(value):
        raise RefusedError(422, "A value is neither a text, a number nor a list of these.")
    return value


def _is_plain(value: Any, depth: int = 0) -> bool:
    if isinstance(value, list):
        return depth < _DEEPEST and all(_is_plain(item, depth + 1) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return not _HALF_CHARACTER.search(value)
    return value is None or isinstance(value, int)


def _file(sent: Mapping[str, Any], may_be_inline: bool = True) -> dict[str, Any]:
    """A file as Gradio may see it: an upload, a data URL, or a path at which nothing is."""
    path, url = sent.get("path"), sent.get("url")
    if isinstance(path, str) and re.match(r"\s*https?:", path, re.IGNORECASE):
        raise RefusedError(422, "Send the file itself: addresses are not fetched.")
    mark = {"meta": {"_type": "gradio.FileData"}}
    if may_be_inline and not path and isinstance(url, str) and url.startswith("data:"):
        return {"path": None, "url": url, **mark}
    return {"path": path if is_upload(path) else str(upload_folder() / "gone"), **mark}


def _bounded(scope: Scope, receive: Receive, most: int) -> Receive:
    """`receive` that raises `RefusedError` where a body is longer than `most` bytes."""
    refused = RefusedError(413, f"The request is too large: at most {most / 1e6:.0f} MB.")
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > most:
        raise refused
    left = most

    async def read() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise refused
        return message

    return read


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RefusedError(400, "The request ended early.")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """What gives a body that has been read already, and then what comes after it."""
    sent = False

    async def read() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body}

    return read


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
