"""Fixtures that several test files share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_data import LABELS, write_fake_data
from hypothesis import settings
from onnx_models import make_spec, save_constant_model

from fkp.datasets import Sample, find_data_root, load
from fkp.runtime.index import refresh_index

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The real data; what needs it is skipped where there is none."""
    root = find_data_root()
    if root is None:
        pytest.skip("no real data: set FKP_DATA")
    return root


@pytest.fixture(scope="session")
def real_faces(data_root: Path) -> Callable[[str], list[Sample]]:
    """Load a data set of the real data, once."""
    return functools.cache(lambda name: load(name, data_root))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def fake_root(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Make a data root of cartoon faces: `fake_root(faces=12)`."""

    def make(faces: int = 12) -> Path:
        write_fake_data(tmp_path / "data", rng, faces)
        monkeypatch.setenv("FKP_LABELS", str(tmp_path / "data" / LABELS))
        return tmp_path / "data"

    return make


@pytest.fixture
def workspace(tmp_path: Path, fake_root: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models, a small data root and an empty cache, all named by the environment."""
    models = tmp_path / "models"
    models.mkdir()
    save_constant_model(models, make_spec("all68"))
    save_constant_model(models, make_spec("imm", "imm58"))
    refresh_index(models)
    monkeypatch.setenv("FKP_MODELS", str(models))
    monkeypatch.setenv("FKP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FKP_DATA", str(fake_root()))
    monkeypatch.chdir(tmp_path)
    return tmp_path
