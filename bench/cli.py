"""The command line of `python -m bench`."""

from __future__ import annotations

import argparse

from bench.commands import (
    accuracy,
    confidence,
    detect,
    everything,
    experiments,
    kaggle,
    large_pose,
    latency,
    pose,
    report,
    robustness,
)

# Each has `add_parser(commands)`, which adds its commands and sets `func`, what runs one of them.
COMMANDS = (
    *(everything, accuracy, robustness, latency, report),
    *(confidence, large_pose, pose, detect, kaggle, experiments),
)

_EXAMPLES = """\
examples:
  python -m bench --data DIR                     everything, for every model in exported/
  python -m bench --quick                        a smoke test in under a minute; keeps no results
  python -m bench --models path/to/their.onnx    anyone's model, see docs/benchmark.md
  python -m bench latency --compare A B ...      interleaved times, as ratios to the first model's
  python -m bench kaggle submit --model NAME --data DIR --out sub.csv

`python -m bench COMMAND --help` lists the options of a command. Without a command, `all` runs.
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse a command line; without a command, `all` is meant. `func` of the result runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure how accurate, fast and robust landmark models are.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_parser(commands)
    debug = "--debug" in arguments
    arguments = [word for word in arguments if word != "--debug"]
    first = arguments[0] if arguments else ""
    if first and not first.startswith("-") and first not in commands.choices:
        parser.error(f"unknown command {first!r}; the commands are: {', '.join(commands.choices)}")
    late = [word for word in arguments[1:] if word in commands.choices]
    if late and first.startswith("-"):
        parser.error(f"the command comes first: python -m bench {late[0]} ...")
    known = first in commands.choices or first in ("-h", "--help")
    args = parser.parse_args(arguments if known else ["all", *arguments])
    args.debug = debug
    for name in ("models", "baselines", "datasets", "providers", "threads"):  # nothing is measured twice
        if given := getattr(args, name, None):
            setattr(args, name, list(dict.fromkeys(given)))
    return args
