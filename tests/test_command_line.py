"""How commands end: exit codes, one line of words, and no traceback unless asked for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import fkp
from fkp import command_line
from fkp.__main__ import main
from fkp.errors import ImageError


def raising(error: BaseException):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ImageError("face.jpg is damaged"), 2, "error: face.jpg is damaged\n"),
        (
            FileNotFoundError(2, "No such file or directory", "a.jpg"),
            2,
            "error: a.jpg: No such file or directory\n",
        ),
        (OSError("disk full"), 2, "error: disk full\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (
            ValueError("operands could not be broadcast"),
            70,
            "internal error: ValueError: operands could not be broadcast "
            "(a bug of fkp: please report it with what --debug shows)\n",
        ),
    ],
)
def test_each_error_is_one_line_and_its_exit_code(capsys, error, code, message):
    assert command_line.run(raising(error)) == code
    assert capsys.readouterr().err == message


def test_the_result_of_a_command_is_its_exit_code():
    assert command_line.run(lambda: None) == 0
    assert command_line.run(lambda: 1) == 1


def test_debug_shows_the_traceback(tmp_path, capsys):
    arguments = ["predict", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(arguments) == main(["--debug", *arguments]) == main([*arguments, "--debug"]) == 2
    said = capsys.readouterr().err
    assert said.count("error: the folder") == 3
    assert said.count("Traceback") == 2


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"fkp {fkp.__version__}\n"


@pytest.mark.parametrize("last", ["print('x' * 100_000)", "print('x'); raise SystemExit(0)"])
def test_a_reader_that_has_gone_is_no_error(last):
    read, write = os.pipe()
    os.close(read)
    program = f"import sys\ndef command():\n    {last}\nsys.exit(run(command))"
    done = subprocess.run(
        [sys.executable, "-c", f"from fkp.command_line import run\n{program}"],
        stdout=write, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (command_line.BROKEN_PIPE, "")


def test_the_program_is_named_as_it_was_called():
    done = subprocess.run([sys.executable, "-m", "fkp", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m fkp ")
