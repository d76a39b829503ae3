"""The command line of `python -m bench`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.baselines import BASELINES
from bench.course_reports import cli as experiments_cli
from bench.results import RESULTS
from bench.tasks import calibration, detection_cli, kaggle_cli, large_pose
from fkp.datasets.options import add_data, positive

_EXAMPLES = """\
examples:
  python -m bench --data DIR                     everything, for every model in exported/
  python -m bench --quick                        a look in under a minute; writes nothing that is kept
  python -m bench --models path/to/their.onnx    anyone's model, see docs/benchmark.md
  python -m bench latency --compare A B ...      models in turns, as ratios to the first one's time
  python -m bench kaggle submit --model NAME --data DIR --out sub.csv

`python -m bench COMMAND --help` says which options a command has; without a command it is `all`.
"""

_PARTS = {
    "all": "accuracy, latency, robustness, Kaggle and the report (what runs without a command)",
    "accuracy": "errors on every data set, for true boxes, the data set's boxes and detected ones",
    "latency": "the network alone and the whole way from file to picture",
    "robustness": "errors under distortions, mirror consistency, jitter",
    "report": "write LEADERBOARD.md, docs/leaderboard.html, docs/reports.md, and the figures of the README "
    "and of the model cards",
}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse a command line; without a command, `all` is meant."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="How good, how fast and how robust landmark models are.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, words in _PARTS.items():
        part = commands.add_parser(name, help=words, description=words)
        part.set_defaults(command=name)
        part.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="the CSVs to keep")
        if name != "report":
            _add_options(part, with_data=name != "latency")
        # Where there is no such option:
        part.set_defaults(data=None, datasets=None, threads=None, compare=None, forget=False)
        if name == "report":
            part.add_argument("--forget", action="store_true", help="delete the rows that count no more")
        if name in ("all", "accuracy"):
            part.add_argument("--datasets", nargs="+", metavar="NAME", help="default: the test sets found")
        if name in ("all", "latency"):
            threads = "default: 1, and all cores"
            part.add_argument("--threads", nargs="+", type=positive, metavar="N", help=threads)
        if name == "latency":
            part.add_argument(
                "--compare", nargs="+", metavar="MODEL", help="measure these models and baselines in turns"
            )
    calibration.add_parser(commands)
    large_pose.add_parser(commands)
    detection_cli.add_parser(commands)
    kaggle_cli.add_parser(commands)
    experiments_cli.add_parser(commands)
    first = arguments[0] if arguments else ""
    if first and not first.startswith("-") and first not in commands.choices:
        parser.error(f"unknown command {first!r}; there are: {', '.join(commands.choices)}")
    late = [word for word in arguments[1:] if word in commands.choices]
    if late and first.startswith("-"):
        parser.error(f"the command comes first: python -m bench {late[0]} ...")
    known = first in commands.choices or first in ("-h", "--help")
    args = parser.parse_args(arguments if known else ["all", *arguments])
    for name in ("models", "baselines", "datasets", "providers", "threads"):  # nothing is measured twice
        if given := getattr(args, name, None):
            setattr(args, name, list(dict.fromkeys(given)))
    return args


def _add_options(parser: argparse.ArgumentParser, *, with_data: bool) -> None:
    add = parser.add_argument
    add("--models", nargs="+", metavar="MODEL", help="names or .onnx files (default: all exported)")
    add("--baselines", nargs="+", choices=BASELINES, default=[], help="others' models, see bench/baselines")
    if with_data:
        add_data(parser)
    add(
        "--providers",
        nargs="+",
        type=str.lower,
        metavar="NAME",
        help="such as cpu, cuda, openvino (default: the best for errors; for times all but tensorrt)",
    )
    add("--quick", action="store_true", help="few faces and few runs, in under a minute")
    add(
        "--out",
        type=Path,
        default=Path("bench-out"),
        metavar="DIR",
        help="faces, gallery, submissions",
    )
