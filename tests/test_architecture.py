"""Which package may import which, and no torch in what runs the models."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fkp

ROOT = Path(__file__).resolve().parents[1]
LEAVES = {
    "fkp.command_line",
    "fkp.errors",
    "fkp.atomic",
    "fkp.schemes",
    "fkp.geometry",
    "fkp.metrics",
    "fkp.spec",
    "fkp.images",
    "fkp.head_model",
    "fkp.history",
    "fkp.pixel_packing",
    "fkp.letterbox",
    "fkp.large_pose",
    "fkp.shapes",
}
LEAF_IMPORTS = {"fkp.spec": {"fkp.schemes"}, "fkp.history": {"fkp.atomic"}}
# In the order of the layers: a package imports leaves and packages that stand above it.
MAY_IMPORT = {
    "fkp.images": {"fkp.errors"},
    "fkp.datasets": LEAVES,
    "fkp.runtime": LEAVES,
    "fkp.inspection": LEAVES | {"fkp.datasets", "fkp.runtime"},
    "fkp.models": LEAVES | {"fkp.datasets"},
    "fkp.training": LEAVES | {"fkp.datasets", "fkp.models"},
    "fkp.export": LEAVES | {"fkp.datasets", "fkp.models", "fkp.training"},
    "fkp.course_reports": LEAVES | {"fkp.datasets", "fkp.models", "fkp.training"},
    "demo": LEAVES | {"fkp.datasets", "fkp.runtime", "fkp.inspection", "fkp"},
    "bench": LEAVES | {"fkp.datasets", "fkp.runtime", "fkp.inspection", "fkp"},
}
TORCH = {("fkp", name) for name in ("models", "training", "export", "course_reports")}
# Commands put packages together: they may look across, inside their functions.
COMMANDS = {
    "fkp/export/cli.py",
    "fkp/export/detector_cli.py",
    "fkp/export/reliability_cli.py",
    "fkp/datasets/cli.py",
    "fkp/datasets/asymmetry_cli.py",
    "fkp/runtime/cli.py",
    "fkp/inspection/cli.py",
}


def imports(path: Path, everywhere: bool = True) -> set[str]:
    """The project's own modules that a file imports, everywhere or at its top only."""
    names: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            # `from fkp import geometry` imports a module, `from fkp import Landmarker` a name.
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= whole if node.module == "fkp" else {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.split(".")[0] in {"fkp", "bench", "demo"}}


def python_files(package: str) -> list[Path]:
    return sorted((ROOT / package.replace(".", "/")).rglob("*.py"))


@pytest.mark.parametrize("leaf", sorted(LEAVES - {"fkp.images"}))
def test_a_leaf_imports_nothing_of_ours_but_the_errors(leaf):
    allowed = {"fkp.errors"} | LEAF_IMPORTS.get(leaf, set())
    assert imports(ROOT / f"{leaf.replace('.', '/')}.py") <= allowed - {leaf}


def test_the_layers_have_no_cycle():
    above = set(LEAVES) | {"fkp"}
    for package, allowed in MAY_IMPORT.items():
        assert allowed <= above
        above.add(package)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_one_way(package):
    allowed = MAY_IMPORT[package] | {package}
    assert python_files(package)
    for path in python_files(package):
        for name in imports(path, everywhere=str(path.relative_to(ROOT)) not in COMMANDS):
            known = any(name == a or (a != "fkp" and name.startswith(f"{a}.")) for a in allowed)
            public = "fkp" in allowed and name.removeprefix("fkp.") in fkp.__all__
            assert known or public, f"{path.relative_to(ROOT)} imports {name}"


def test_torch_is_not_loaded_by_what_runs_the_models():
    code = "import sys, app, demo.ui, bench.__main__, fkp.__main__; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_torch_is_imported_by_training_packages_only():
    for path in ROOT.rglob("*.py"):
        package = path.relative_to(ROOT).parts[:2]
        if package in TORCH or package[0] not in {
            "fkp",
            "bench",
            "demo",
            "app.py",
        }:
            continue
        nodes = list(ast.walk(ast.parse(path.read_text())))
        modules = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
        modules |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
        assert not any(m.split(".")[0] == "torch" for m in modules), path


def test_files_can_be_read_in_one_sitting():
    for package in ("fkp", "bench", "demo", "tests"):
        for path in python_files(package):
            lines = len(path.read_text().splitlines())
            assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines"
