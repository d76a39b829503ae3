"""Graph pass: the first convolution of a network on groups of four pixels.

It earns 6 % of the time of fkp68-base-int8 and 10 % of that of fkp68-tiny-int8, with the same errors. ONNX
Runtime multiplies bytes fast where the number of channels is a multiple of four, and a picture has three.
The bytes of a picture (H, W, 3) are also those of (H, W / 4, 12), so grouping moves nothing, see
`fkp.pixel_packing`. In turn, the output for groups, 2 * C channels, has the bytes of C channels at half of
the picture's width.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fkp.letterbox import STEP
from fkp.pixel_packing import GROUP, group_weight
from fkp.spec import INPUT_NAME

PIXELS = "grouped_pixels"  # the packed convolution's input: bytes minus the one that stands for zero
_BYTES = "grouped_bytes"


def pack_pixels(proto: onnx.ModelProto) -> int | None:
    """Make the first convolution of an exported graph work on groups of four pixels.

    The graph's outputs stay the same, except at the picture's border where no byte stands exactly for zero.

    Args:
        proto: a graph whose batch norms are folded into its convolutions; it is changed.

    Returns:
        the byte that stands for zero in `PIXELS`; None, and nothing is changed, where the first convolution
        is no 3x3 one of stride 2 on colors with a ReLU behind it.
    """
    graph = proto.graph
    conv = next(node for node in graph.node if node.op_type == "Conv")
    followers = [node for node in graph.node if conv.output[0] in node.input]
    values = {tensor.name: tensor for tensor in graph.initializer}
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in conv.attribute}
    shape = tuple(values[conv.input[1]].dims) if conv.input[1] in values else ()
    if (
        shape[1:] != (3, 3, 3)
        or len(conv.input) != 3
        or [attributes.get("strides"), attributes.get("pads")] != [[2, 2], [1, 1, 1, 1]]
        or _input_size(graph)[1] % GROUP
        or [node.op_type for node in followers] != ["Relu"]
    ):
        return None
    black, white = (_before(proto, conv.input[0], value) for value in (0, 255))
    gain = (white - black) / 255
    zeros = -black / gain  # the pixel values that become 0, one a channel
    zero = int(np.round(zeros.mean()))
    weight, bias = (numpy_helper.to_array(values[name]).astype(np.float64) for name in conv.input[1:])
    weight = weight * gain[:, None, None]
    bias = bias + (weight * (zero - zeros)[:, None, None]).sum(axis=(1, 2, 3))

    constants = {
        "grouped_weight": group_weight(weight).astype(np.float32),
        "grouped_bias": np.tile(bias, GROUP // 2).astype(np.float32),
        "grouped_zero": np.array(zero, np.float32),
        "grouped_shape": np.array([0, 0, -1, 3 * GROUP]),
        "apart_shape": np.array([0, 0, -1, shape[0]]),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    to_planes, to_pixels = {"perm": [0, 3, 1, 2]}, {"perm": [0, 2, 3, 1]}
    steps: list[tuple[str, list[str], str, dict]] = [
        ("Reshape", [INPUT_NAME, "grouped_shape"], "grouped_picture", {}),
        ("Transpose", ["grouped_picture"], _BYTES, to_planes),
        ("Cast", [_BYTES], "grouped_floats", {"to": TensorProto.FLOAT}),
        ("Sub", ["grouped_floats", "grouped_zero"], PIXELS, {}),
        (
            "Conv",
            [PIXELS, "grouped_weight", "grouped_bias"],
            "grouped_outputs",
            {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 1, 1, 0]},
        ),
        ("Relu", ["grouped_outputs"], "grouped_relu", {}),
        ("Transpose", ["grouped_relu"], "grouped_rows", to_pixels),
        ("Reshape", ["grouped_rows", "apart_shape"], "apart_rows", {}),
        ("Transpose", ["apart_rows"], followers[0].output[0], to_planes),
    ]
    nodes = [helper.make_node(kind, inputs, [out], name=out, **more) for kind, inputs, out, more in steps]
    replace_nodes(graph, [*nodes, *(node for node in graph.node if node not in (conv, *followers))])
    return zero


def feed_bytes(proto: onnx.ModelProto) -> None:
    """In a packed graph that was quantized, uses the picture's bytes as the integers of `PIXELS`, instead of
    converting them to floats and back."""
    graph = proto.graph
    quantized = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == PIXELS)
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name == quantized.output[0]:
                node.input[i] = _BYTES
    replace_nodes(graph, graph.node)


def _input_size(graph: onnx.GraphProto) -> tuple[int, int]:
    """Height and width of the input; of a dynamic one the smallest."""
    sides = graph.input[0].type.tensor_type.shape.dim[1:3]
    height, width = (side.dim_value or STEP for side in sides)
    return height, width


def _before(proto: onnx.ModelProto, name: str, value: int) -> NDArray[np.float64]:
    """What the three channels of an evenly colored picture have become in a tensor of the graph, (3,)."""
    asked = onnx.ModelProto()
    asked.CopyFrom(proto)
    asked.graph.output.append(helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(asked.SerializeToString(), providers=["CPUExecutionProvider"])
    picture = np.full((1, *_input_size(proto.graph), 3), value, np.uint8)
    return session.run([name], {INPUT_NAME: picture})[0].astype(np.float64).mean(axis=(0, 2, 3))


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Put sorted nodes in the place of a graph's, without those and the constants that lead nowhere."""
    wanted = {output.name for output in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(list(nodes)):
        if not wanted.isdisjoint(node.output):
            wanted.update(node.input)
            kept.insert(0, node)
    constants = [tensor for tensor in graph.initializer if tensor.name in wanted]
    for field, values in ((graph.node, kept), (graph.initializer, constants)):
        copies = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(copies)
