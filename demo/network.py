"""Keep Gradio's requests to its own server, which it sends while it starts, away from a proxy."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from fkp.errors import UsageError

_NO_PROXY = ("no_proxy", "NO_PROXY")


@contextmanager
def without_proxy() -> Iterator[None]:
    """Let requests of this process reach their hosts directly; the settings are as before afterwards."""
    before = {name: os.environ.get(name) for name in _NO_PROXY}
    os.environ.update(dict.fromkeys(_NO_PROXY, "*"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def check_address(host: str, port: int) -> None:
    """Whether a server can listen there.

    Raises:
        UsageError: the port is taken or not allowed, or the host is none of this machine's addresses.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as listener:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
    except (socket.gaierror, UnicodeError):
        raise _not_ours(host) from None
    except PermissionError:
        raise UsageError(
            f"port {port} may not be used: choose another one with --port, such as 7860"
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise _not_ours(host) from None
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} is taken: choose another one with --port") from None
        raise UsageError(f"the demo cannot listen on {host}, port {port}: {error.strerror}") from None


def _not_ours(host: str) -> UsageError:
    return UsageError(f"{host!r} is no address of this machine: choose another one with --host")
