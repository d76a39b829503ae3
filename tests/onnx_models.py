"""Tiny .onnx files that follow the contract of an exported model, or break it in one known way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from fkp.runtime.index import refresh_index
from fkp.schemes import get_scheme
from fkp.spec import INPUT_NAME, METADATA_KEY, OUTPUT_NAMES, VISIBLE_NAME, ModelSpec

SIZE = (64, 64)


def make_spec(name: str = "tiny", scheme: str = "ibug68", size: tuple[int, int] = SIZE, margin: float = 1.4):
    """A spec for tests."""
    return ModelSpec(name, scheme, size, margin, summary="a model for tests", source="tests")


def mean_shape(scheme: str) -> np.ndarray:
    """A made-up face in the unit frame, (K, 2): every region a ring where that region is."""
    centers = {
        "jaw": (0.5, 0.55, 0.36),
        "right_brow": (0.34, 0.3, 0.08),
        "left_brow": (0.66, 0.3, 0.08),
        "nose": (0.5, 0.52, 0.09),
        "right_eye": (0.34, 0.4, 0.06),
        "left_eye": (0.66, 0.4, 0.06),
        "mouth": (0.5, 0.72, 0.12),
    }
    layout = get_scheme(scheme)
    points = np.empty((layout.num_points, 2))
    for region, indices in layout.regions.items():
        x, y, radius = centers[region]
        turn = np.linspace(np.pi, -np.pi, len(indices), endpoint=False)
        points[list(indices)] = np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)
    return points


def save_constant_model(
    folder: Path,
    spec: ModelSpec | None = None,
    points: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    visible: ArrayLike | None = None,
) -> Path:
    """A model that predicts for every crop the same points and scores and, where given, `visible`."""
    spec = spec or make_spec()
    points = mean_shape(spec.scheme) if points is None else points
    nodes, arrays = _constant_nodes(spec), _arrays(spec, points, scores)
    if visible is not None:
        nodes.append(helper.make_node("Add", ["zero_row", "probability"], [VISIBLE_NAME]))
        arrays["probability"] = np.asarray(visible)[None]
    return _save(folder, spec, nodes, arrays)


def save_bright_dot_model(
    folder: Path, spec: ModelSpec | None = None, shape: ArrayLike | None = None
) -> Path:
    """A model that puts `shape` (K, 2; unit frame, default all zeros) at the crop's center of light.

    The crop must be black but for a bright dot; it is found with sub-pixel precision.
    """
    spec = spec or make_spec(scheme="nose1")
    height, width = spec.input_size
    count = get_scheme(spec.scheme).num_points
    arrays = _arrays(spec, np.zeros((count, 2)) if shape is None else shape, None)
    arrays |= {
        "xs": ((np.arange(width) + 0.5) / width).reshape(1, 1, width, 1),
        "ys": ((np.arange(height) + 0.5) / height).reshape(1, height, 1, 1),
        "tiny": np.array(1e-6),
    }
    nodes = [
        helper.make_node("Cast", [INPUT_NAME], ["light"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["light", "pixel_axes"], ["total"], keepdims=0),
        helper.make_node("Add", ["total", "tiny"], ["mass"]),
    ]
    for axis in ("x", "y"):
        nodes += [
            helper.make_node("Mul", ["light", f"{axis}s"], [f"{axis}_light"]),
            helper.make_node("ReduceSum", [f"{axis}_light", "pixel_axes"], [f"{axis}_sum"], keepdims=0),
            helper.make_node("Div", [f"{axis}_sum", "mass"], [f"{axis}_flat"]),
            helper.make_node("Unsqueeze", [f"{axis}_flat", "last_axes"], [axis]),
        ]
    nodes += [
        helper.make_node("Concat", ["x", "y"], ["center"], axis=2),
        helper.make_node("Add", ["center", "shape"], [OUTPUT_NAMES[0]]),
        helper.make_node("Mul", ["y", "zero"], ["zero_rows"]),
        helper.make_node("Squeeze", ["zero_rows", "last_axis"], ["zero_row"]),
        helper.make_node("Add", ["zero_row", "confidence"], [OUTPUT_NAMES[1]]),
    ]
    arrays["zero"] = np.array(0.0)
    return _save(
        folder, spec, nodes, arrays, {"pixel_axes": [1, 2, 3], "last_axes": [1, 2], "last_axis": [2]}
    )


def save_indexed_model(folder: Path, spec: ModelSpec | None = None) -> Path:
    """A constant model in a folder with an index, as the export leaves it."""
    path = save_constant_model(folder, spec)
    refresh_index(folder)
    return path


def _constant_nodes(spec: ModelSpec) -> list[onnx.NodeProto]:
    # (N, 1, 1) zeros made from the crops carry the batch size to the constants.
    return [
        helper.make_node("Cast", [INPUT_NAME], ["light"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["light", "pixel_axes"], ["total"], keepdims=0),
        helper.make_node("Mul", ["total", "zero"], ["zeros"]),
        helper.make_node("Unsqueeze", ["zeros", "last_axes"], ["zero_rows"]),
        helper.make_node("Add", ["zero_rows", "shape"], [OUTPUT_NAMES[0]]),
        helper.make_node("Squeeze", ["zero_rows", "last_axis"], ["zero_row"]),
        helper.make_node("Add", ["zero_row", "confidence"], [OUTPUT_NAMES[1]]),
    ]


def _arrays(spec: ModelSpec, points: ArrayLike, scores: ArrayLike | None) -> dict[str, np.ndarray]:
    points = np.asarray(points, np.float32)
    scores = np.ones(len(points)) if scores is None else np.asarray(scores, np.float32)
    return {"shape": points[None], "confidence": scores[None], "zero": np.array(0.0)}


def _save(folder, spec, nodes, arrays, axes=None) -> Path:
    axes = axes or {"pixel_axes": [1, 2, 3], "last_axes": [1, 2], "last_axis": [2]}
    height, width = spec.input_size
    count = arrays["shape"].shape[1]
    weights = [numpy_helper.from_array(np.asarray(a, np.float32), name) for name, a in arrays.items()]
    weights += [numpy_helper.from_array(np.array(a, np.int64), name) for name, a in axes.items()]
    graph = helper.make_graph(
        nodes,
        spec.name,
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, ["N", height, width, 3])],
        [
            helper.make_tensor_value_info(OUTPUT_NAMES[0], TensorProto.FLOAT, ["N", count, 2]),
            helper.make_tensor_value_info(OUTPUT_NAMES[1], TensorProto.FLOAT, ["N", count]),
            *(
                helper.make_tensor_value_info(VISIBLE_NAME, TensorProto.FLOAT, ["N", count])
                for node in nodes
                if VISIBLE_NAME in node.output
            ),
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(model)
    path = Path(folder) / f"{spec.name}.onnx"
    onnx.save(model, path)
    return path
