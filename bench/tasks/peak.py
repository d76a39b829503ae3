"""ONNX Runtime's matrix product: a yardstick for how well networks use a machine."""

from __future__ import annotations

import functools

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from bench.timing import stopwatch

_SIDE = 512
_RUNS = 200


def peak(precision: str, threads: int) -> float:
    """Multiply-adds a second of a product of two 512x512 matrices on the CPU, at the best of 200 runs.

    It is measured every time, since the clock drifts: only figures of the same moment compare with it.

    Args:
        precision: "fp32", or "int8" (unsigned times signed, as quantized convolutions are).
        threads: of the run.
    """
    session = _product(precision, threads)
    picture = np.full((_SIDE, _SIDE), 99, np.uint8 if precision == "int8" else np.float32)
    clock = stopwatch(lambda: session.run(None, {"a": picture}))
    return _SIDE**3 / (min(clock() for _ in range(_RUNS)) / 1000)


@functools.cache
def _product(precision: str, threads: int) -> ort.InferenceSession:
    """Multiplies by a matrix."""
    whole = precision == "int8"
    left, right = (TensorProto.UINT8, TensorProto.INT8) if whole else (TensorProto.FLOAT, TensorProto.FLOAT)
    out = TensorProto.INT32 if whole else TensorProto.FLOAT
    shape = [_SIDE, _SIDE]
    values = np.random.default_rng(0).integers(-99, 99, shape)
    weight = helper.make_tensor("b", right, shape, values.flatten().tolist())
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger" if whole else "MatMul", ["a", "b"], ["c"])],
        "peak",
        [helper.make_tensor_value_info("a", left, shape)],
        [helper.make_tensor_value_info("c", out, shape)],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
