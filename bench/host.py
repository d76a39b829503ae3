"""The machine of a row of results, in generic words: no host names and no paths."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort


def cpu_name() -> str:
    """The processor's model name, such as "AMD EPYC 7B13"."""
    if platform.system() == "Darwin":
        words = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() or "Apple"
    info = Path("/proc/cpuinfo")
    if info.exists():
        match = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", info.read_text(), re.MULTILINE)
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def host_kind() -> str:
    """The machine's kind as a part of a file name, such as "AMD-EPYC-2core"."""
    words = re.sub(r"\(R\)|\(TM\)|\bCPU\b|\bProcessor\b|@.*", " ", cpu_name())
    name = re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-")
    return f"{name}-{os.cpu_count()}core"


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> str:
    """The libraries that a latency depends on."""
    return f"onnxruntime {ort.__version__}, numpy {np.__version__}, Python {platform.python_version()}"


def load() -> float | None:
    """How many processes wanted a core in the last minute; None where the system does not say."""
    return os.getloadavg()[0] if sys.platform != "win32" else None


def facts(libraries: str | None = None) -> dict[str, str]:
    """The columns of every row of times: the machine, and the libraries (ours, or those named) that ran."""
    return {"cpu": cpu_name(), "versions": libraries or versions(), "date": today()}


def today() -> str:
    """The ISO date in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()
