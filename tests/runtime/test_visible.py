"""The optional output `visible`: from the file through the runtime to drawings and results."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx_models import make_spec, mean_shape, save_constant_model

from fkp.errors import ModelError
from fkp.runtime.drawing import Style, draw
from fkp.runtime.face import Face
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.results import Source, to_csv
from fkp.runtime.sessions import ModelSession

VISIBLE = np.linspace(0, 1, 68)
IMAGE = np.zeros((200, 200, 3), np.uint8)
BOXES = [[50, 50, 150, 150], [20, 20, 90, 90]]


@pytest.fixture
def path(tmp_path):
    return save_constant_model(tmp_path, make_spec(), visible=VISIBLE)


def test_a_file_may_say_what_is_visible(path):
    outputs = ModelSession(path).run(np.zeros((3, *make_spec().input_size, 3), np.uint8))
    np.testing.assert_allclose(outputs.visible, [VISIBLE] * 3, atol=1e-6)


@pytest.mark.parametrize("refine", [False, True])
def test_every_face_has_its_own(path, refine):
    faces = Landmarker(path, refine=refine).analyze(IMAGE, BOXES).faces
    assert len(faces) == 2
    for face in faces:
        np.testing.assert_allclose(face.visible, VISIBLE, atol=1e-6)
    np.testing.assert_allclose(faces[0].to_dict()["visible"], VISIBLE, atol=6e-5)


def test_a_file_without_it_gives_null(tmp_path):
    (face,) = Landmarker(save_constant_model(tmp_path)).analyze(IMAGE, BOXES[:1]).faces
    assert face.visible is None
    assert json.loads(json.dumps(face.to_dict()))["visible"] is None


def test_wrong_kinds_are_refused(path):
    model = onnx.load(path)
    model.graph.output[2].type.tensor_type.elem_type = TensorProto.DOUBLE
    model.graph.node[-1].output[0] = "single"
    cast = onnx.helper.make_node("Cast", ["single"], ["visible"], to=TensorProto.DOUBLE)
    model.graph.node.append(cast)
    onnx.save(model, path)
    with pytest.raises(ModelError, match="must give its output visible as float32"):
        ModelSession(path)


def make_face(visible) -> Face:
    points = (mean_shape("ibug68") * 800 + 100).astype(np.float32)
    return Face(
        points,
        np.ones(68, np.float32),
        np.array([100, 100, 900, 900], np.float32),
        1.0,
        "ibug68",
        visible=visible,
    )


def test_csv_has_a_column_that_is_empty_where_unknown():
    known, unknown = make_face(VISIBLE.astype(np.float32)), make_face(None)
    rows = list(csv.DictReader(io.StringIO(to_csv(Source("a.jpg", (1000, 1000)), [known, unknown]))))
    np.testing.assert_allclose([float(row["visible"]) for row in rows[:68]], VISIBLE, atol=6e-5)
    assert {row["visible"] for row in rows[68:]} == {""}


def test_hidden_points_are_rings():
    image = np.full((1000, 1000, 3), 128, np.uint8)
    face = make_face(np.where(np.arange(68) % 2, 1, 0).astype(np.float32))
    drawn = draw(image, [face], Style(outlines=False))
    without = draw(image, [dataclasses.replace(face, visible=None)], Style(outlines=False))
    x, y = np.round(face.points).astype(int).T
    filled = (drawn[y, x] != 128).any(axis=1)
    assert filled[1::2].all()
    assert filled[::2].mean() < 0.1  # a neighbor's dot may lie there
    assert (without[y, x] != 128).any(axis=1).all()
    assert all((drawn[b - 9 : b + 10, a - 9 : a + 10] != 128).any() for a, b in zip(x, y, strict=True))
