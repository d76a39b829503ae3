"""`python -m bench`."""

from __future__ import annotations

import sys

from bench import cli
from fkp.command_line import run

_INTERRUPTED = "interrupted; what is done is kept, and the next run continues from there"


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit code: 0; 1 where some models were left out; else see `fkp.command_line.run`.
    """
    args = cli.parse(sys.argv[1:] if arguments is None else arguments)
    return run(lambda: args.func(args), debug=args.debug, on_interrupt=_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
