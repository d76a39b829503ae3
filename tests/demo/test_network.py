"""The demo starts behind any proxy, and says which option mends an address that cannot be used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from demo.network import check_address, without_proxy
from fkp.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds, for a busy machine


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize(
    "proxy", [{}, {"http_proxy": "http://127.0.0.1:9"}, {"all_proxy": "socks5://127.0.0.1:9"}], ids=str
)
def test_the_entry_point_serves_the_page(tmp_path, proxy):
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(tmp_path), **proxy}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env)
    try:
        give_up = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < give_up:
            time.sleep(0.2)
            try:
                page = httpx.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE)
            except httpx.TransportError:
                continue
            assert page.status_code == 200
            return
        pytest.fail("the page was not served")
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("before", [{}, {"no_proxy": "intranet"}, {"NO_PROXY": "intranet", "no_proxy": ""}])
def test_the_proxy_settings_are_as_before_afterwards(monkeypatch, before):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    with without_proxy():
        assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "*"
    assert {name: os.environ[name] for name in ("no_proxy", "NO_PROXY") if name in os.environ} == before


def test_an_address_that_cannot_be_used_names_the_option():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="is taken: choose another one with --port"):
            check_address("127.0.0.1", taken.getsockname()[1])
    for host in ("192.0.2.1", "nobody.invalid", "a..b"):
        with pytest.raises(UsageError, match="choose another one with --host"):
            check_address(host, 7860)
    check_address("127.0.0.1", free_port())


@pytest.mark.parametrize("port", ["", "abc", "0", "65536", "-1", "7860.5", "1e3"])
def test_a_port_that_is_none_is_refused_at_once(port):
    ended = subprocess.run(
        [sys.executable, "app.py", f"--port={port}"], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert "argument --port" in ended.stderr
