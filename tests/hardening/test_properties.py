"""Whatever comes: a value of the right type or one of our errors; and no path but an upload's goes on."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from demo_server import FACE
from hypothesis import given
from hypothesis import strategies as st

from bench.tasks.submission import HEADER, read_submission
from demo.guard import Guard
from demo.handlers.images import read_picture
from demo.handlers.requests import to_name, to_names, to_style
from fkp.datasets.pts import read_pts
from fkp.errors import FkpError, RefusedError
from fkp.images import load_image
from fkp.runtime.drawing import Style
from fkp.runtime.index import list_models
from fkp.spec import ModelSpec
from hardening.calls import page

FACE_BYTES = FACE.read_bytes()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MARK = st.just({"_type": "gradio.FileData"})
FILE = st.fixed_dictionaries({}, optional={"path": JSON, "url": JSON, "meta": JSON | MARK, "size": JSON})


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("any") / "file"


@given(st.binary(max_size=200), st.integers(0, len(FACE_BYTES)), st.integers(0, 200))
def test_a_damaged_picture_is_read_or_refused(noise, place, lost):
    try:
        image = load_image(FACE_BYTES[:place] + noise + FACE_BYTES[place + lost :])
    except FkpError:
        return
    assert image.ndim == 3
    assert image.dtype == np.uint8


@given(
    st.text()
    | st.lists(st.sampled_from(["version: 1", "n_points: 1", "{", "1 1", "}", "nan 1"])).map("\n".join)
)
def test_any_pts_is_read_or_refused(file, text):
    file.write_text(text, encoding="utf-8", errors="replace")
    try:
        points = read_pts(file)
    except FkpError:
        return
    assert points.shape[1:] == (2,)
    assert np.isfinite(points).all()


@given(
    st.lists(st.text() | st.tuples(st.integers(-1, 140), st.floats()).map(lambda row: f"{row[0]},{row[1]}"))
)
def test_any_submission_is_read_or_refused(file, rows):
    file.write_text("\n".join([HEADER, *rows]), encoding="utf-8", errors="replace")
    with pytest.raises(FkpError):  # so few rows are never a whole one
        read_submission(file, 1)


@given(JSON | st.text())
def test_any_description_is_read_or_refused(value):
    with suppress(FkpError):
        assert isinstance(ModelSpec.from_json(json.dumps(value)), ModelSpec)


@given(JSON | st.fixed_dictionaries({"models": st.dictionaries(st.text(), JSON)}))
def test_any_index_lists_its_models_or_is_refused(file, value):
    (file.parent / "index.json").write_text(json.dumps(value))
    try:
        entries = list_models(file.parent)
    except FkpError:
        return
    assert all(entry.problem for entry in entries)


@given(JSON | FILE)
def test_any_picture_that_is_sent_is_refused(value):
    with pytest.raises(FkpError):
        read_picture(value)


@given(st.binary(max_size=300))
def test_any_data_url_is_refused(noise):
    with pytest.raises(FkpError):
        read_picture({"url": "data:image/png;base64," + base64.b64encode(noise).decode()})


@given(JSON)
def test_any_value_of_a_handler_is_read_or_refused(value):
    for read, kind in ((to_name, str), (to_names, list), (to_style, Style)):
        with suppress(FkpError):
            assert isinstance(read(value), kind)


@given(st.fixed_dictionaries({"data": st.lists(FILE | JSON, max_size=3)}) | JSON)
def test_no_request_carries_a_path_of_its_own(value):
    try:
        passed = json.loads(Guard(None, page())._checked(json.dumps(value).encode(), "find", False))
    except RefusedError:
        return
    picture, text = passed["data"]
    assert picture is None or picture.get("url", "data:").startswith("data:")
    assert picture is None or picture["path"] is None or picture["path"].endswith("gone")
    assert not isinstance(text, dict)
