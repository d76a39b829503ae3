"""The tree of errors: drawn as it is, the only one, and fit to cross processes."""

import ast
import inspect
import pickle
from pathlib import Path

import pytest

from fkp import errors
from fkp.errors import DataError, FkpError

ROOT = Path(__file__).resolve().parents[1]
CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_one_of_ours_and_in_the_drawing(kind):
    assert issubclass(kind, FkpError)
    assert kind.__name__ in str(errors.__doc__)


def test_no_other_module_has_a_tree_of_its_own():
    for path in [p for package in ("fkp", "bench", "demo") for p in (ROOT / package).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                private = node.name.startswith("_")  # it never leaves its module
                assert path.name == "errors.py" or private, f"{path}: {node.name}"


def test_a_data_error_names_its_place_also_after_the_way_from_a_worker():
    error = DataError(Path("faces.csv"), 3, "a value is missing")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "faces.csv:3: a value is missing"
    assert (copy.file, copy.line, copy.problem) == (Path("faces.csv"), 3, "a value is missing")
    assert str(DataError(Path("faces.csv"), None, "empty")) == "faces.csv: empty"
