"""Weight compression: an exported file stores its weights in float32, half precision or int8.

int8 makes a file almost four times smaller (fkp68-base: 2.3 MB instead of 8.4). Weights are rounded in the
network first, so that the small file holds exactly what it is compared with. ONNX Runtime converts them back
when it loads the file, so the network computes in float32 and is as fast as before.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from fkp.training.recipe import WeightDtype

_LEAST = 1024  # values; smaller tensors save nothing worth a node
_LEVELS = 127


def round_weights(model: nn.Module, dtype: WeightDtype) -> None:
    """Make every large weight one that the data type holds exactly; int8 has a scale per output channel."""
    for value in model.state_dict().values():
        if dtype == "float32" or not value.is_floating_point() or value.numel() < _LEAST:
            continue
        if dtype == "half":
            value.copy_(value.half().float())
        elif value.ndim > 1:
            scale = _scale(value)
            value.copy_((value / scale).round() * scale)


def _scale(weight: Tensor) -> Tensor:
    """Largest size in each output channel over the number of levels, (channels, 1, ...)."""
    return (weight.abs().flatten(1).amax(dim=1).clamp_min(1e-12) / _LEVELS).view(-1, *[1] * (weight.ndim - 1))


def store_weights(proto: onnx.ModelProto, dtype: WeightDtype) -> None:
    """Store the large weights of a rounded network's graph in few bytes, with the nodes that undo it."""
    if dtype == "float32":
        return
    graph = proto.graph
    added: list[onnx.NodeProto] = []
    scales: list[onnx.TensorProto] = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _LEAST:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        small = f"{name}_{dtype}"
        if dtype == "half":
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), small))
            added.append(helper.make_node("Cast", [small], [name], to=TensorProto.FLOAT))
        elif (levels := _levels(values)) is not None:
            integers, scale = levels
            tensor.CopyFrom(numpy_helper.from_array(integers, small))
            scales.append(numpy_helper.from_array(scale, f"{name}_scale"))
            # Not DequantizeLinear: ONNX Runtime keeps that one, and would undo it in every run.
            added.append(helper.make_node("Cast", [small], [f"{name}_levels"], to=TensorProto.FLOAT))
            added.append(helper.make_node("Mul", [f"{name}_levels", f"{name}_scale"], [name]))
    graph.initializer.extend(scales)
    nodes = [*added, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _levels(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
    """A rounded weight as int8 levels and scales, None for one that was not rounded.

    The output channels are on the first axis, or on the second where the exporter transposed a matrix.
    """
    for axis in range(min(2, values.ndim)) if values.ndim > 1 else ():
        others = tuple(i for i in range(values.ndim) if i != axis)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / np.float32(_LEVELS)
        integers = np.round(values / scale)
        if np.abs(integers * scale - values).max() <= 1e-5 * np.abs(values).max():
            return integers.astype(np.int8), scale.astype(np.float32)
    return None
