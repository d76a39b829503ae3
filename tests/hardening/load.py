"""`PYTHONPATH=.:tests python -m hardening.load`: many callers at once, each with a known result."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo_server import encoded, running, save_models
from gradio_client import Client, handle_file
from PIL import Image

CALLERS = 20


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it.

    Attributes:
        wrong: results for another caller's picture, or none.
        seconds: median and longest time of a request.
        growth: bytes that the server's memory grew by from the second round to the last.
    """

    requests: int
    wrong: int
    seconds: tuple[float, float]
    growth: int


def measure(rounds: int) -> Load:
    """Every caller sends pictures of a size of its own, `rounds` times, to a server in this process."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder, sizes, times = Path(name), [], []
        patch.setenv("FKP_MODELS", name)
        patch.setenv("GRADIO_TEMP_DIR", name)
        save_models(folder)
        with running() as address, ThreadPoolExecutor(CALLERS) as pool:
            clients = list(pool.map(lambda _: _connect(address), range(CALLERS)))
            wrong = 0
            for turn in range(rounds):
                jobs = [(client, folder, number, turn) for number, client in enumerate(clients)]
                results = list(pool.map(lambda job: _visit(*job), jobs))
                wrong += sum(not right for right, _ in results)
                times += [seconds for _, seconds in results]
                sizes.append(_memory())
    growth = sizes[-1] - sizes[min(1, len(sizes) - 1)]
    return Load(len(times), wrong, (statistics.median(times), max(times)), growth)


def _connect(address: str) -> Client:
    return Client(address, verbose=False, httpx_kwargs={"timeout": 120})


def _visit(client: Client, folder: Path, number: int, turn: int) -> tuple[bool, float]:
    width, height = 100 + number, 90 + turn
    path = folder / f"{number}-{turn}.png"
    path.write_bytes(encoded(Image.new("RGB", (width, height)), "PNG"))
    start = time.monotonic()
    result = client.predict(handle_file(str(path)), "small", api_name="/landmarks")
    return (result["width"], result["height"]) == (width, height), time.monotonic() - start


def _memory() -> int:
    """Bytes of this process in memory; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    load = measure(10)
    print(
        f"{CALLERS} callers, {load.requests} requests: {load.wrong} wrong results, "
        f"{load.seconds[0]:.2f} s median, {load.seconds[1]:.2f} s at most, "
        f"{load.growth / 1e6:.1f} MB more memory at the end"
    )
