"""`python -m bench`."""

from __future__ import annotations

import sys

from bench import cli, run
from fkp.errors import FkpError


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit code: 0, or 1 where some models were left out, or 2 where it could not do its work.
    """
    args = cli.parse(sys.argv[1:] if arguments is None else arguments)
    handler = getattr(args, "func", run.run)
    try:
        return handler(args)
    except (FkpError, OSError, ValueError) as error:  # what users can do something about
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what is done is kept, and the next run goes on from there", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
