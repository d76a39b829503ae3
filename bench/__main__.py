"""`python -m bench`."""

from __future__ import annotations

import sys

from bench import options, run
from bench.peers import PeerError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    args = options.parse(sys.argv[1:] if arguments is None else arguments)
    handler = getattr(args, "func", run.run)
    try:
        return handler(args)
    except (OSError, PeerError, ValueError) as error:  # what users can do something about
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what is done is kept, and the next run goes on from there", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
