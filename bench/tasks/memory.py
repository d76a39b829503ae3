"""Peak memory of a model, measured in a fresh process that does nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_RUNS = 10


def peak_memory(path: Path, provider: str, threads: int) -> float | None:
    """Megabytes that Python, ONNX Runtime and the model take at most, one face at a time; None: unknown."""
    words = [sys.executable, "-m", "bench.tasks.memory", str(path.resolve()), provider, str(threads)]
    done = subprocess.run(words, cwd=_ROOT, capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 and done.stdout.strip() else None


def _own_peak() -> float | None:
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the parent's peak in, on Linux
        lines = status.read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _main(path: str, provider: str, threads: str) -> None:
    import numpy as np

    from fkp.runtime.sessions import ModelSession

    session = ModelSession(path, provider, int(threads))
    crops = np.zeros((1, *session.spec.input_size, 3), np.uint8)
    for _ in range(_RUNS):
        session.run(crops)
    peak = _own_peak()
    print("" if peak is None else f"{peak:.1f}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
