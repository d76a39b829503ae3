"""Weights in few bytes: the graph gives back exactly the rounded network's values."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from fkp.export.weight_dtype import round_weights, store_weights


def network():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.Flatten(), nn.Linear(64, 48))
    with torch.no_grad():
        layers[0].weight *= torch.logspace(-3, 1, 64).view(-1, 1, 1, 1)  # channels of very different size
    return layers.eval()


def graph(weights):
    """An ONNX graph whose outputs are its initializers."""
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in weights]
    outputs = [
        helper.make_tensor_value_info(f"{n}_out", TensorProto.FLOAT, v.shape) for n, v in weights.items()
    ]
    graph = helper.make_graph(nodes, "weights", [], outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.parametrize(("dtype", "bytes_a_value"), [("float32", 4), ("half", 2), ("int8", 1)])
def test_stored_weights_come_back_exactly_as_rounded(dtype, bytes_a_value):
    model = network()
    round_weights(model, dtype)
    weights = {name: value.numpy() for name, value in model.state_dict().items() if value.is_floating_point()}
    weights["transposed"] = weights["3.weight"].T.copy()  # as the exporter may turn a linear layer
    proto = graph(weights)
    full = proto.ByteSize()
    store_weights(proto, dtype)
    onnx.checker.check_model(proto)
    large = sum(value.size for value in weights.values() if value.size >= 1024)
    assert full - proto.ByteSize() == pytest.approx((4 - bytes_a_value) * large, abs=4000)

    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for value, stored in zip(weights.values(), session.run(None, {}), strict=True):
        np.testing.assert_allclose(stored, value, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "relative"), [("float32", 0), ("half", 5e-4), ("int8", 0.5 / 127)])
def test_rounding_errs_little_in_every_channel(dtype, relative):
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    round_weights(model, dtype)
    for name, value in model.state_dict().items():
        if value.ndim < 2:
            torch.testing.assert_close(value, before[name])
            continue
        largest = before[name].abs().flatten(1).amax(dim=1)
        error = (value - before[name]).abs().flatten(1).amax(dim=1)
        assert (error <= relative * largest * 1.001).all()
        assert (error > 0).any() == (dtype != "float32")


def test_a_weight_that_was_not_rounded_stays_in_full():
    values = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    proto = graph({"weight": values})
    store_weights(proto, "int8")
    assert proto.graph.initializer[0].data_type == TensorProto.FLOAT
