"""`PYTHONPATH=.:tests python -m hardening`: every kind of input with its outcome; 1 if one is wrong."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from hardening.table import all_kinds


def main() -> int:
    """Print the table."""
    kinds, wrong = all_kinds(), 0
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            outcome = kind.outcome(Path(folder).resolve())
        right = kind.is_right(outcome)
        wrong += not right
        mark, shown = "ok   " if right else "WRONG", ascii(outcome)[1:-1][:110]
        print(f"{mark} | {kind.area:17} | {ascii(kind.name)[1:-1]:60.60} | {shown}")
    print(f"{len(kinds)} kinds, {wrong} with a wrong outcome")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
