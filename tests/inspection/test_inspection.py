"""`python -m fkp inspect`: what it finds in a file, and the pictures it writes."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import make_spec, save_constant_model
from PIL import Image

from fkp.__main__ import main
from fkp.history import PredictionHistory
from fkp.inspection import animation, rendering
from fkp.inspection.feature_maps import Inside
from fkp.inspection.rendering import BLUE, GRAY, Sketch
from fkp.runtime.index import refresh_index
from fkp.runtime.sessions import ModelSession
from fkp.schemes import get_scheme
from fkp.shapes import ShapeModel
from fkp.spec import INPUT_NAME, METADATA_KEY

PORTRAIT = Path(__file__).resolve().parents[2] / "demo" / "examples" / "eileen-collins.jpg"
H, W = 24, 32


@pytest.fixture
def map_model(tmp_path: Path) -> Path:
    """A nose model: its map is the softmax of the red channel, held by columns, its output the middle."""
    x, y = np.meshgrid(np.arange(W), np.arange(H), indexing="ij")
    arrays = {
        "weights": np.array([[[[1.0]], [[0]], [[0]]], [[[0]], [[2]], [[0]]]], np.float32),
        "red": np.array([[[[0.1]], [[0]]]], np.float32),
        "flat": np.array([0, 1, -1]),
        "centers": np.stack([(x + 0.5) / W, (y + 0.5) / H, x * y], axis=-1).reshape(-1, 3).astype(np.float32),
        "middle": np.full((1, 1, 2), 0.5, np.float32),
        "one": np.ones((1, 1), np.float32),
        "zero": np.array(0, np.float32),
        "cells": np.array([2]),
    }
    node = helper.make_node
    nodes = [
        node("Cast", [INPUT_NAME], ["floats"], to=TensorProto.FLOAT),
        node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "weights"], ["maps"], kernel_shape=[1, 1]),
        node("Conv", ["maps", "red"], ["one_map"], kernel_shape=[1, 1]),
        node("Transpose", ["one_map"], ["by_columns"], perm=[0, 1, 3, 2]),
        node("Reshape", ["by_columns", "flat"], ["logits"]),
        node("Softmax", ["logits"], ["shares"], axis=-1),
        node("MatMul", ["shares", "centers"], ["moments"]),
        node("ReduceSum", ["moments", "cells"], ["sums"], keepdims=0),
        node("Mul", ["sums", "zero"], ["zeros"]),
        node("Add", ["zeros", "one"], ["scores"]),
        node("Unsqueeze", ["zeros", "cells"], ["zero_points"]),
        node("Add", ["zero_points", "middle"], ["points"]),
    ]
    graph = helper.make_graph(
        nodes,
        "maps",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, ["N", H, W, 3])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("points", "scores")],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    spec = make_spec("red", "nose1", (H, W))
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    path = tmp_path / "red.onnx"
    onnx.save(model, path)
    return path


def test_a_file_gives_out_its_filters_maps_and_layers(map_model):
    inside = Inside(map_model)
    assert inside.filters.shape == (2, 3, 1, 1)
    crop = np.zeros((H, W, 3), np.uint8)
    crop[5, 20, 0] = 255
    first, second = inside.layers(crop)
    assert first.maps.shape == (2, H, W)
    assert first.maps[0, 5, 20] == 255
    assert second.title == "Convolution 2 of 2, 1 x 1"
    maps = inside.maps(crop)
    assert maps.shape == (1, H, W)  # as the crop: not one cell moved by the flattening
    assert maps.sum() == pytest.approx(1, abs=1e-4)
    assert np.unravel_index(maps[0].argmax(), (H, W)) == (5, 20)
    light = rendering.maps_over(crop, maps)
    assert np.unravel_index(light.sum(axis=2).argmax(), (H, W)) == (5, 20)


@pytest.mark.parametrize(
    "model", sorted((PORTRAIT.parents[2] / "exported").glob("*.onnx")), ids=lambda p: p.stem
)
def test_every_shipped_model_can_be_inspected(model):
    inside = Inside(model)
    crop = np.zeros((*ModelSession(model, "cpu").spec.input_size, 3), np.uint8)
    assert all(np.isfinite(layer.maps).all() for layer in inside.layers(crop))
    maps = inside.maps(crop)
    assert maps is None or maps.sum(axis=(1, 2)) == pytest.approx(1, abs=1e-3)


def test_the_command_writes_every_picture_it_names(map_model, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("FKP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", str(map_model), str(PORTRAIT)]) == 0
    said = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    written = sorted(str(p) for p in Path("inspect/red").iterdir())
    names = ["crop", "filters", "layer-1", "layer-2", "maps", "maps-on-crop", "points"]
    assert written == sorted(said) == sorted(f"inspect/red/{name}.png" for name in names)
    with Image.open("inspect/red/crop.png") as crop:
        assert crop.size == (W, H)


@pytest.mark.parametrize(("trained_on", "found"), [("imm-train", True), ("somebody-elses", False)])
def test_the_mean_face_where_the_training_faces_are_found(map_model, tmp_path, fake_root, trained_on, found):
    spec = dataclasses.replace(make_spec("red", "nose1", (H, W)), training_data={trained_on: 3})
    model = onnx.load(map_model)
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.save(model, map_model)
    out = tmp_path / "out"
    assert main(["inspect", str(map_model), "--data", str(fake_root()), "--out", str(out)]) == 0
    assert (out / "filters.png").is_file()
    assert (out / "mean-face.png").is_file() == found


def test_training_faces_that_are_not_there_are_passed_over(map_model, tmp_path):
    spec = dataclasses.replace(make_spec("red", "nose1", (H, W)), training_data={"imm-train": 3})
    model = onnx.load(map_model)
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.save(model, map_model)
    out, empty = tmp_path / "out", tmp_path / "empty"
    empty.mkdir()
    assert main(["inspect", str(map_model), "--data", str(empty), "--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["filters.png"]


def test_what_cannot_be_inspected_is_said_in_a_sentence(map_model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FKP_MODELS", str(tmp_path / "models"))
    plain, empty = save_constant_model(tmp_path), tmp_path / "empty.png"
    Image.new("RGB", (200, 200)).save(empty)
    for words, said in (
        (["nobody"], r"error: .*no model 'nobody'.*runs holds no run of that name"),
        ([plain], "error: .*no convolution"),
        ([map_model, empty], r"error: no face was found in .*empty\.png"),
    ):
        assert main(["inspect", *map(str, words)]) == 2
        assert re.match(said, capsys.readouterr().err)


def test_a_name_of_the_index_is_an_exported_model(map_model, tmp_path, monkeypatch):
    refresh_index(map_model.parent)
    monkeypatch.setenv("FKP_MODELS", str(map_model.parent))
    monkeypatch.delenv("FKP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "red"]) == 0
    assert Path("inspect/red/filters.png").is_file()


def test_a_sketch_puts_points_where_they_are():
    points = np.full((68, 2), (0.25, 0.75))
    picture = rendering.sketch([Sketch(points, BLUE)], "ibug68", (80, 120))
    rows, columns = np.nonzero((picture != 255).any(axis=2))
    assert rows.mean() == pytest.approx(0.75 * 80 - 0.5, abs=1)
    assert columns.mean() == pytest.approx(0.25 * 120 - 0.5, abs=1)


def test_a_mosaic_leaves_no_gap_and_keeps_every_tile():
    tiles = np.arange(12.0)[:, None, None] + np.array([[0, 1], [2, 3]])
    picture = rendering.mosaic(tiles, 4)
    assert picture.shape == (2 * 6 - 2, 6 * 6 - 2, 3)
    assert (picture[:4, :4] == picture[6:10, 30:34]).all()  # each over its own range


def test_a_film_begins_before_training_and_rests_on_its_last_picture(tmp_path, rng):
    truth = rng.uniform(0.2, 0.8, (2, 68, 2)).astype(np.float32)
    steps = np.linspace(1, 0, 100)[:, None, None, None]
    points = truth * (1 - steps) + 0.5 * steps
    frames = animation.frames(PredictionHistory(np.arange(100), points, truth), "ibug68", side=60)
    assert len(frames) <= 48
    blue = [(frame == BLUE).all(axis=2).sum() for frame in frames]
    gray = [(frame == GRAY).all(axis=2).sum() for frame in frames]
    assert blue[0] < 0.2 * blue[-1]  # a clump that opens into faces
    assert gray[-1] < 0.1 * gray[0]  # and covers the truth
    with Image.open(animation.save_gif(frames, tmp_path / "animation.gif")) as gif:
        assert gif.n_frames == len(frames)
        gif.seek(gif.n_frames - 1)
        assert gif.info["duration"] == 2500


def test_every_scheme_has_modes_to_show(rng):
    for name in ("ibug68", "imm58"):
        shapes = rng.uniform(0.3, 0.7, (9, get_scheme(name).num_points, 2))
        picture = rendering.modes_picture(ShapeModel.fit(shapes, 4), name, side=60)
        assert picture.shape == (60 + 22, 4 * 64 - 4, 3)
