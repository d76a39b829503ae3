"""`fkp COMMAND`, or `python -m fkp COMMAND`: the command line of the package."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fkp import __version__
from fkp.command_line import run
from fkp.errors import UsageError

# The module whose `add_parser(subparsers)` adds the commands -> the commands and what they do. Only the
# module of the wanted command is imported: `predict` must work where torch is not installed.
COMMANDS: Mapping[str, Mapping[str, str]] = {
    "fkp.runtime.cli": {"predict": "find the landmarks of faces in pictures and videos"},
    "fkp.runtime.align_cli": {"align": "cut faces out of pictures, upright and at one scale"},
    "fkp.datasets.cli": {"data": "download, check and describe the data sets"},
    "fkp.export.detector_cli": {"detector": "train, export, quantize and recover the face detector"},
    "fkp.training.cli": {"train": "train a model by its recipe"},
    "fkp.export.cli": {
        "export": "write a trained model as an .onnx file",
        "quantize": "quantize an exported model to 8-bit integers",
        "recover": "make a run of an exported model, to continue training from it",
    },
    "fkp.export.reliability_cli": {
        "calibrate": "choose the score from which a model's landmarks can be trusted"
    },
    "fkp.inspection.cli": {"inspect": "draw what a network learned"},
}
# Imported before the commands that take the name of a recipe: it registers its own.
MORE_RECIPES = "fkp.course_reports"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit code: 0; 1 where the command found something wrong with its input; else see
        `fkp.command_line.run`.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    return run(lambda: _command(arguments), debug="--debug" in arguments)


def _command(arguments: Sequence[str]) -> int | None:
    name = next((word for word in arguments if not word.startswith("-")), None)
    parser = argparse.ArgumentParser(
        prog=_program(),
        description="Facial keypoints: train, export and run landmark models.",
        epilog=f"`{_program()} COMMAND --help` says more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"fkp {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    try:
        for module, commands in COMMANDS.items():
            if name in commands:
                if module in ("fkp.training.cli", "fkp.export.cli"):
                    importlib.import_module(MORE_RECIPES)
                importlib.import_module(module).add_parser(subparsers)
            else:
                for command, what in commands.items():
                    subparsers.add_parser(command, help=what)
        args = parser.parse_args([word for word in arguments if word != "--debug"])
        return args.func(args)
    except ModuleNotFoundError as error:
        package = (error.name or "fkp").partition(".")[0]
        if package == "fkp":
            raise
        raise UsageError(
            f"`{parser.prog} {name}` needs {package}: pip install 'fkp[train]', or "
            "`pip install -r requirements-dev.txt` in a checkout"
        ) from error


def _program() -> str:
    """How the user called this: the script `fkp`, or the module."""
    return "python -m fkp" if Path(sys.argv[0]) == Path(__file__) else "fkp"


if __name__ == "__main__":
    sys.exit(main())
