"""Fixtures that several test files share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_data import write_fake_data
from hypothesis import settings

from fkp.datasets import Sample, find_data_root, load

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
    """Loads a data set of the real data, once."""
    return functools.cache(lambda name: load(name, data_root))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def fake_root(tmp_path: Path, rng: np.random.Generator) -> Callable[..., Path]:
    """Makes a data root of cartoon faces: `fake_root(faces=12)`."""

    def make(faces: int = 12) -> Path:
        write_fake_data(tmp_path / "data", rng, faces)
        return tmp_path / "data"

    return make
