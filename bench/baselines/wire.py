"""Arrays through a pipe: a length, then NumPy's own file format without pickles."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import IO

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LENGTH = struct.Struct("<Q")


def write_message(stream: IO[bytes], array: NDArray) -> None:
    """Send one array."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    stream.write(_LENGTH.pack(buffer.tell()))
    stream.write(buffer.getbuffer())
    stream.flush()


def read_message(stream: IO[bytes]) -> NDArray:
    """Receive one array.

    Raises:
        EOFError: the other side has gone.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    body = stream.read(_LENGTH.unpack(head)[0])
    return np.load(io.BytesIO(body), allow_pickle=False)


def serve(
    library: str,
    version: str,
    predict: Callable[[NDArray, NDArray], ArrayLike],
    find: Callable[[NDArray], ArrayLike],
) -> None:
    """Read pictures and boxes, and write points and the milliseconds they took, until the pipe closes.

    Args:
        library: name of the baseline's library.
        version: of it.
        predict: points (N, K, 2) of a picture's canonical face boxes (N, 4).
        find: points (M, K, 2) of the faces that the baseline's own detector finds; called without boxes.
    """
    import os
    import platform
    import sys
    import time

    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the replies
    versions = f"{library} {version}, numpy {np.__version__}, Python {platform.python_version()}"
    write_message(replies, np.frombuffer(versions.encode(), np.uint8))
    while True:
        try:
            image = read_message(sys.stdin.buffer)
            boxes = read_message(sys.stdin.buffer)
        except EOFError:
            return
        start = time.perf_counter()
        points = predict(image, boxes) if len(boxes) else find(image)
        milliseconds = (time.perf_counter() - start) * 1000
        write_message(replies, np.asarray(points, np.float32))
        write_message(replies, np.array([milliseconds]))
