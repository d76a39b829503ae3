"""`python -m fkp COMMAND`: one command line over the rooms of the project."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence

from fkp.errors import FkpError

# The module whose `add_parser(subparsers)` adds the commands -> the commands and what they do. Only the
# module of the wanted command is imported: `predict` must work where torch is not installed.
ROOMS: Mapping[str, Mapping[str, str]] = {
    "fkp.runtime.cli": {"predict": "find the landmarks of faces in pictures and videos"},
    "fkp.datasets.cli": {"data": "download, check and describe the data sets"},
    "fkp.export.detector_cli": {"detector": "train, export, quantize and recover the face detector"},
    "fkp.training.cli": {
        "train": "train a model by its recipe",
    },
    "fkp.export.cli": {
        "export": "write a trained model as an .onnx file",
        "quantize": "write an exported model again, in 8-bit integers",
        "recover": "make a run of an exported model, to train on from it",
    },
    "fkp.inspection.cli": {"inspect": "show what a network learned, as pictures"},
}
# Imported before the commands that take the name of a recipe: it registers its own.
MORE_RECIPES = "fkp.course_reports"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit code: 0, or 1 where the command says that something is wrong with what it worked on, or 2
        where it could not do its work.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command = arguments[0] if arguments else None
    parser = argparse.ArgumentParser(
        prog="python -m fkp",
        description="Facial keypoints: train, export and run landmark models.",
        epilog="`python -m fkp COMMAND --help` says more about a command.",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    try:
        for module, commands in ROOMS.items():
            if command in commands:
                if module in ("fkp.training.cli", "fkp.export.cli"):
                    importlib.import_module(MORE_RECIPES)
                importlib.import_module(module).add_parser(subparsers)
            else:
                for name, what in commands.items():
                    subparsers.add_parser(name, help=what)
        args = parser.parse_args(arguments)
        return args.func(args) or 0
    except ModuleNotFoundError as error:
        if (error.name or "fkp").partition(".")[0] == "fkp":
            raise
        problem = f"`{parser.prog} {command}` needs {error.name}: pip install -r requirements-dev.txt"
    except (FkpError, OSError, ValueError) as error:  # what users can do something about
        problem = str(error)
    print(f"error: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
