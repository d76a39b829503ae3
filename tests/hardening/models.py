"""Models' descriptions of themselves, and the index of a folder of models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from onnx_models import make_spec, save_constant_model

from demo import html, models
from fkp.runtime.index import refresh_index
from fkp.runtime.landmarker import Landmarker
from fkp.spec import ModelSpec
from hardening.kinds import READ, REFUSED, Kind

_WRONG: dict[str, list[Any]] = {
    "name": [None, 5, "", "../x", "a/b", "a b", "é" * 300, ["x"]],
    "scheme": [None, 5, "", "nobody", ["ibug68"]],
    "input_size": [None, 5, [], [64], [64, 64, 3], ["a", "b"], [0, 64], [-64, 64], [1e9, 64], [[64], 64]],
    "margin": [None, "wide", 0, -1, 1e9, [1], {}],
    "summary": [None, 5, ["x"]],
    "source": [None, 5, {}],
    "validation": [5, "good", [], {"dataset": "x"}, {"dataset": "x", "metric": "y", "value": "z"}],
    "training_data": [5, "x", [1]],
    "parameters": ["many", None, [1]],
}


def kinds() -> Iterator[Kind]:
    """All kinds of descriptions and of index rows."""
    whole = json.loads(make_spec().to_json())
    yield Kind("descriptions", "whole", partial(_spec, json.dumps(whole)), READ + " tiny")
    yield Kind(
        "descriptions", "with a new field", partial(_spec, json.dumps(whole | {"new": 1})), READ + " tiny"
    )
    for text in ("", "null", "[]", "5", "{", "NaN", "{}", "[" * 5000, '"x"'):
        yield Kind("descriptions", f"JSON {text[:10]!r}", partial(_spec, text), REFUSED)
    for key, values in _WRONG.items():
        for value in values:
            shown = f"{key} is {json.dumps(value)[:24]}"
            wrong = whole | {key: value}
            yield Kind("descriptions", shown, partial(_spec, json.dumps(wrong)), REFUSED)
            yield Kind("the demo's list", shown, partial(_demo, wrong), READ + " good usable")
    for text in ("", "null", "[]", "5", "{", '{"models": 5}', "[" * 5000, "\0", '{"models": {"x": 5}}'):
        yield Kind("the demo's list", f"an index of {text[:20]!r}", partial(_index, text), READ + " page")
    for name, content in (
        ("empty", b""),
        ("a text", b"hello"),
        ("zeros", bytes(1000)),
        ("a picture", b"\xff\xd8\xff"),
    ):
        yield Kind("model files", name, partial(_file, content), REFUSED)
    yield Kind("model files", "missing", partial(_file, None), REFUSED)


def _spec(text: str, _folder: Path) -> str:
    return ModelSpec.from_json(text).name


def _file(content: bytes | None, folder: Path) -> str:
    path = folder / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    return Landmarker(path).spec.name


def _demo(wrong: dict[str, Any], folder: Path) -> str:
    """One good model beside a wrong one: only the good one is offered, and the page's table is made."""
    for name in ("bad", "good"):
        save_constant_model(folder, make_spec(name))
    refresh_index(folder)
    index = json.loads((folder / "index.json").read_text())
    index["models"]["bad"]["spec"] = wrong
    (folder / "index.json").write_text(json.dumps(index))
    return " ".join([*(name for _, name in _choices(folder)), "usable"])


def _index(text: str, folder: Path) -> str:
    (folder / "index.json").write_text(text)
    assert _choices(folder) == []
    return "page"


def _choices(folder: Path) -> list[tuple[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FKP_MODELS", str(folder))
        html.model_table(models.entries())
        return models.choices()
