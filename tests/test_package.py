"""The package as people install it: what is in the wheel, and that it works away from the repository."""

from __future__ import annotations

import email
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import fkp
from demo import models
from fkp.runtime.index import DEFAULT_MODEL

ROOT = Path(__file__).resolve().parents[1]
PORTRAIT = ROOT / "demo" / "examples" / "eileen-collins.jpg"
MOST_BYTES = 24_000_000

PROGRAM = """\
import multiprocessing
import pickle
import sys

import numpy as np

import fkp
from fkp import Face, Landmarker, Tracker, draw, list_models, load_image


def points_of(landmarker, image):
    return landmarker(image)[0].points


if __name__ == "__main__":
    assert "site-packages" in fkp.__file__, fkp.__file__
    assert all(entry.problem is None for entry in list_models()), list_models()
    image = load_image(sys.argv[1])
    landmarker = Landmarker()
    face = landmarker(image)[0]
    assert isinstance(face, Face)
    assert draw(image, [face]).shape == image.shape
    assert len(Tracker(landmarker).step(image, 0.0)) == 1
    assert (points_of(pickle.loads(pickle.dumps(landmarker)), image) == face.points).all()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert (pool.apply(points_of, (landmarker, image)) == face.points).all()
    print(landmarker)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel that is built from the sdist, as an index would build it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run([*build, "-t", "sdist"], cwd=ROOT, check=True, capture_output=True)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    source = folder / sdist.name.removesuffix(".tar.gz")
    subprocess.run([*build, "-t", "wheel"], cwd=source, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """The programs of a new environment with the wheel, and with the libraries of the running environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    install = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--quiet"]
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = folder.glob("**/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def run(command: list[str | Path], folder: Path) -> str:
    """What a command prints in another folder, without this project's variables."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("FKP_", "PYTHON"))}
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_works_in_any_folder(environment, tmp_path):
    assert run([environment / "fkp", "--version"], tmp_path) == f"fkp {fkp.__version__}\n"
    (tmp_path / "photo.jpg").write_bytes(PORTRAIT.read_bytes())
    assert "1 face in 1 of 1 files" in run(
        [environment / "fkp", "predict", "photo.jpg", "--out", "out"], tmp_path
    )
    assert "n_points: 68" in (tmp_path / "out" / "photo.pts").read_text()


def test_the_library_works_in_any_folder_and_in_spawned_processes(environment, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    said = run([environment / "python", "program.py", PORTRAIT], tmp_path)
    assert said == f"<Landmarker {DEFAULT_MODEL}: 68 points (ibug68), on cpu>\n"


def test_the_wheel_holds_models_detectors_their_index_and_licenses(wheel):
    assert wheel.stat().st_size <= MOST_BYTES
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        index = json.loads(archive.read("fkp/exported/index.json"))
    assert {name for name in names if name.endswith(".onnx")} == {
        f"fkp/exported/{row['file']}" for rows in index.values() for row in rows.values()
    }
    assert DEFAULT_MODEL in index["models"]
    assert "fkp-detector-int8" in index["detectors"]
    assert not any(row["spec"]["series"] for row in index["models"].values())
    assert {"fkp/py.typed", "fkp/exported/LICENSE.md"} <= names
    assert not any(name.startswith(("bench/", "demo/", "tests/")) for name in names)


def test_the_metadata_names_the_license_of_the_weights_and_renders_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Version"] == fkp.__version__
    assert metadata["License-Expression"] == "MIT AND LicenseRef-fkp-weights-research-only"
    assert metadata.get_all("License-File") == ["LICENSE", "exported/LICENSE.md"]
    text = metadata.get_payload()
    assert text.startswith("# fkp")  # not the front matter of the Space
    assert re.findall(r"\]\((?!https?:)[^)]*\)", text) == []  # nothing beside it to link to


def test_the_demo_starts_with_the_same_model(monkeypatch):
    monkeypatch.delenv("FKP_MODELS", raising=False)
    assert models.usable()[0].name == DEFAULT_MODEL


def test_requirements_files_and_pyproject_say_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    def lines(name: str) -> set[str]:
        text = (ROOT / name).read_text().splitlines()
        return {line for line in text if line and not line.startswith(("#", "-r "))}

    app = {*project["dependencies"], *extras["demo"]}
    assert lines("requirements.txt") == app
    assert lines("requirements-dev.txt") == {*extras["train"], *extras["dev"]} - app
