"""How every command ends: what it prints when it fails, and its exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from fkp.errors import FkpError

FAILED = 2  # as argparse's own exit code for bad arguments
INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
BROKEN_PIPE = 141  # 128 + SIGPIPE


def run(command: Callable[[], int | None], debug: bool = False, on_interrupt: str = "interrupted") -> int:
    """Run a command and turn what it raises into one line on the standard error stream.

    Args:
        command: returns the exit code, or None for 0.
        debug: print the traceback of an error too.
        on_interrupt: the line to print after Ctrl-C.

    Returns:
        the command's exit code; `FAILED` after a `FkpError` or an `OSError`, `INTERNAL_ERROR` after any other
        exception, `INTERRUPTED` after Ctrl-C, `BROKEN_PIPE` when the reader of the output has gone.
    """
    try:
        try:
            return command() or 0
        finally:
            sys.stdout.flush()  # here, where a reader that has gone can be handled
    except KeyboardInterrupt:
        print(on_interrupt, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes the stream once more at exit; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (FkpError, OSError) as error:
        _print(f"error: {_message(error)}", debug)
        return FAILED
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        _print(f"internal error: {what} (a bug of fkp: please report it with what --debug shows)", debug)
        return INTERNAL_ERROR


def _print(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(message, file=sys.stderr)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)
