"""Videos, as the demo's visitors send them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from demo_server import save_models, save_video

from demo.handlers import video
from fkp.errors import VideoError
from hardening.kinds import READ, REFUSED, Kind


def kinds() -> Iterator[Kind]:
    """All kinds of videos."""
    yield Kind("videos", "whole, with sound", partial(_annotate, {}), READ + " 5 frames")
    yield Kind("videos", "without sound", partial(_annotate, {"sound": False}), READ + " 5 frames")
    yield Kind("videos", "one frame", partial(_annotate, {"frames": 1}), READ + " 1 frame")
    yield Kind("videos", "odd sides", partial(_annotate, {"size": (62, 34)}), READ + " 5 frames")
    yield Kind("videos", "only sound", partial(_annotate, {"frames": 0}), REFUSED)
    for name, content in _not_videos().items():
        yield Kind("videos", name, partial(_content, content), REFUSED)
    for part in (0.02, 0.3):
        yield Kind("videos", f"cut to {part:.0%}", partial(_cut, part), REFUSED)


def _not_videos() -> dict[str, bytes]:
    return {
        "empty": b"",
        "a text": b"hello",
        "zeros": bytes(10_000),
        "HTML": b"<html></html>",
        "only the first box of an MP4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        "a playlist of an address": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
        "a playlist of a file": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
        "a list to concatenate": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nhello\n",
        "RIFF without streams": b"RIFF\x10\0\0\0AVI LIST\0\0\0\0",
        "Matroska's first bytes": b"\x1aE\xdf\xa3" + bytes(50),
    }


def _write(folder: Path, frames: int = 5, size: tuple[int, int] = (64, 96), sound: bool = True) -> bytes:
    pictures = [np.full((*size, 3), 40 * i, np.uint8) for i in range(frames)]
    size_even = [np.pad(p, ((0, size[0] % 2), (0, size[1] % 2), (0, 0))) for p in pictures]
    return save_video(folder / "made.mp4", size_even, sound).read_bytes()


def _annotate(options: dict, folder: Path) -> str:
    return _content(_write(folder, **options), folder)


def _cut(part: float, folder: Path) -> str:
    content = _write(folder)
    return _content(content[: int(len(content) * part)], folder)


def _content(content: bytes, folder: Path) -> str:
    """The demo's words on a video; a problem is raised, as if it were the reader's."""
    (folder / "models").mkdir()
    save_models(folder / "models")
    upload = folder / "upload.mp4"
    upload.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FKP_MODELS", str(folder / "models"))
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        *_, last = video.annotate({"path": str(upload)}, "small", [])
    words = re.sub("<[^>]*>", "", last.message)
    assert str(folder) not in words
    if "fkp-problem" in last.message:
        raise VideoError(words)
    assert os.path.getsize(last.video or "") > 0
    return words
