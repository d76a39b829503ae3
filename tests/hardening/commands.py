"""Command lines: bad arguments and files end with one line on standard error and the code 1 or 2."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from demo_server import FACE, save_models

from fkp.__main__ import main
from fkp.errors import FkpError
from hardening.kinds import READ, REFUSED, Kind


class _EndedError(FkpError):
    """A command that ended with an error; its last line."""


def kinds() -> Iterator[Kind]:
    """All kinds of command lines."""
    face, out = str(FACE), ["--out", "out"]
    for arguments in (
        [],
        ["nothing"],
        ["predict"],
        ["predict", face],
        ["predict", "gone.jpg", *out],
        ["predict", face, *out, "--model", "nobody"],
        ["predict", face, *out, "--model", "../big.onnx"],
        ["predict", face, *out, "--model", "text"],
        ["predict", face, *out, "--model", "text.onnx"],
        ["predict", face, *out, "--model", "broken"],
        ["predict", face, *out, "--model", "big", "--provider", "nobody"],
        ["predict", face, "--out", "text"],
        ["predict", "empty", *out, "--model", "big"],
        ["predict", ".", "--out", "."],
        ["predict", "text", *out, "--model", "big"],
        ["predict", "text.jpg", *out, "--model", "big"],
        ["predict", "text.mp4", *out, "--model", "big"],
        ["data"],
        ["data", "nothing"],
        ["data", "check", "gone"],
        ["data", "get", "nobody"],
        ["inspect"],
        ["inspect", "nobody"],
        ["inspect", "text.onnx"],
        ["inspect", "big"],
    ):
        shown = " ".join(arguments).replace(face, "FACE")
        yield Kind("command lines", f"fkp {shown}", partial(_run, arguments), REFUSED)
    for arguments in (
        ["--help"],
        ["--version"],
        ["predict", "--help"],
        ["predict", face, *out, "--model", "big"],
    ):
        shown = " ".join(arguments).replace(face, "FACE")
        yield Kind("command lines", f"fkp {shown}", partial(_run, arguments), READ)


def _run(arguments: Sequence[str], folder: Path) -> str:
    save_models(folder)
    (folder / "empty").mkdir()
    for name in ("text", "text.jpg", "text.mp4", "text.onnx"):
        (folder / name).write_text("hello")
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.chdir(folder)
        patch.setenv("FKP_MODELS", str(folder))
        patch.delenv("FKP_DATA", raising=False)
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    said = err.getvalue()
    assert "Traceback" not in said, said
    assert "internal error" not in said, said
    if code:
        assert said.strip(), "nothing is said"
        raise _EndedError(f"{code}, {said.strip().splitlines()[-1]}")
    return (out.getvalue().strip().splitlines() or [""])[0]
