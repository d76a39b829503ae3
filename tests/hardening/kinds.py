"""One kind of input, and how its outcome is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fkp.errors import FkpError

READ, REFUSED = r"^read", r"^refused"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of input.

    Attributes:
        area: what reads it, such as "pictures".
        name: what is special about it.
        run: gives it to the reader, in an empty folder; returns what came of it in a few words.
        right: a regular expression for the right outcome: "read ..." or "refused: ...".
    """

    area: str
    name: str
    run: Callable[[Path], str]
    right: str

    def outcome(self, folder: Path) -> str:
        """What came of it: one line; errors that are no sentence of ours are shown as what they are."""
        try:
            return f"read {self.run(folder)}".strip()
        except (FkpError, OSError) as error:
            return f"refused: {error}".replace(str(folder), "DIR").replace("\n", " / ")
        except Exception as error:  # the fault that this table is there to find
            return f"CRASHED: {type(error).__name__}: {error}"

    def is_right(self, outcome: str) -> bool:
        """Whether this is the right outcome."""
        return re.search(self.right, outcome) is not None
