"""Doubling a map of bytes by laying copies side by side.

ONNX Runtime works out for every value that `Resize` gives which one it comes from. In the order in which it
keeps the maps of integer convolutions, channels last, doubling is two copies: of every cell beside itself,
and of every row below itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, shape_inference

from fkp.export.pack_pixels import replace_nodes

_TWICE = [1, 1, 2, 2]


def enlarge_by_copies(proto: onnx.ModelProto) -> int:
    """In a graph that was quantized, doubles maps of bytes by copies instead of `Resize`.

    The graph gives the same answers. Maps whose size is not known before there is a picture stay as they are.

    Args:
        proto: a graph with `QuantizeLinear` and `DequantizeLinear` around its nodes; it is changed.

    Returns:
        how many maps are doubled by copies now.
    """
    graph = proto.graph
    makers = {name: node for node in graph.node for name in node.output}
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in shape_inference.infer_shapes(proto).graph.value_info
    }
    nodes: list[onnx.NodeProto] = []
    doubled = 0
    for node in graph.node:
        source = _doubled_bytes(node, makers, values)
        size = shapes.get(source, [])[1:]
        if size and all(size):
            steps, constants = _copies(source, size, node.output[0])
            nodes += steps
            graph.initializer.extend(constants)
            doubled += 1
        else:
            nodes.append(node)
    replace_nodes(graph, nodes)
    return doubled


def _doubled_bytes(
    node: onnx.NodeProto, makers: Mapping[str, onnx.NodeProto], values: Mapping[str, NDArray]
) -> str:
    """The name of the bytes that a node gives with each cell twice in both directions, "" if it does not."""
    resize = makers.get(node.input[0])
    if node.op_type != "QuantizeLinear" or resize is None or resize.op_type != "Resize":
        return ""
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in resize.attribute}
    how = [attributes.get(name) for name in ("mode", "coordinate_transformation_mode", "nearest_mode")]
    if how != [b"nearest", b"asymmetric", b"floor"] or values[resize.input[2]].tolist() != _TWICE:
        return ""
    before = makers[resize.input[0]]
    steps = [[values[name].tolist() for name in one.input[1:]] for one in (before, node)]
    return before.input[0] if before.op_type == "DequantizeLinear" and steps[0] == steps[1] else ""


def _copies(
    source: str, size: Sequence[int], target: str
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes that double a map of `size` (C, H, W), and their constants, where a 0 means "as before"."""
    channels, height, width = size
    row_shape, shape = f"{target}_row_shape", f"{target}_shape"
    constants = [
        numpy_helper.from_array(np.array([0, 0, 1, 2 * width * channels]), row_shape),
        numpy_helper.from_array(np.array([0, 2 * height, 2 * width, channels]), shape),
    ]
    cells, pairs, rows, row_pairs, doubled = (
        f"{target}_{what}" for what in ("cells", "pairs", "rows", "row_pairs", "doubled")
    )
    return [
        helper.make_node("Transpose", [source], [cells], name=cells, perm=[0, 2, 3, 1]),
        helper.make_node("Concat", [cells, cells], [pairs], name=pairs, axis=3),
        helper.make_node("Reshape", [pairs, row_shape], [rows], name=rows),
        helper.make_node("Concat", [rows, rows], [row_pairs], name=row_pairs, axis=3),
        helper.make_node("Reshape", [row_pairs, shape], [doubled], name=doubled),
        helper.make_node("Transpose", [doubled], [target], name=target, perm=[0, 3, 1, 2]),
    ], constants
