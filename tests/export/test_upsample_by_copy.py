"""Doubling by copies: the same answers without `Resize`."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from fkp.export.upsample_by_copy import enlarge_by_copies


def graph(size=(3, 4, 5), scales=(1, 1, 2, 2), step_after=0.5, rounding="floor"):
    """Bytes -> numbers -> enlarged -> bytes."""
    constants = {
        "step": np.float32(0.5), "step_after": np.float32(step_after), "zero": np.uint8(7),
        "scales": np.float32(scales),
    }  # fmt: skip
    resize = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": rounding}
    nodes = [
        helper.make_node("Identity", ["image"], ["bytes"]),
        helper.make_node("DequantizeLinear", ["bytes", "step", "zero"], ["numbers"]),
        helper.make_node("Resize", ["numbers", "", "scales"], ["enlarged"], **resize),
        helper.make_node("QuantizeLinear", ["enlarged", "step_after", "zero"], ["out"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
        for name, shape in (("image", ["n", *size]), ("out", None))
    ]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "enlarging", ends[:1], ends[1:], tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def answer(proto, image):
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"image": image})[0]


def test_doubling_by_copies_gives_the_same(rng):
    proto = graph()
    image = rng.integers(0, 256, (2, 3, 4, 5)).astype(np.uint8)
    before = answer(proto, image)
    assert enlarge_by_copies(proto) == 1
    assert "Resize" not in [node.op_type for node in proto.graph.node]
    assert np.array_equal(answer(proto, image), before)
    assert np.array_equal(before, image.repeat(2, 2).repeat(2, 3))


@pytest.mark.parametrize(
    "other",
    [{"size": (3, "h", "w")}, {"scales": (1, 1, 3, 3)}, {"step_after": 0.25}, {"rounding": "ceil"}],
)
def test_other_enlargements_are_left_alone(rng, other):
    proto = graph(**other)
    image = rng.integers(0, 256, (1, 3, 4, 5)).astype(np.uint8)
    before = answer(proto, image)
    assert enlarge_by_copies(proto) == 0
    assert "Resize" in [node.op_type for node in proto.graph.node]
    assert np.array_equal(answer(proto, image), before)
