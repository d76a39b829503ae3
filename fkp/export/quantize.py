"""Quantization: from an exported file to one whose convolutions compute in 8-bit integers.

ONNX Runtime measures the ranges of the values between the layers on training crops. Integers are about twice
as fast on a CPU that multiplies bytes (VNNI). `fkp.export.weight_dtype` is different: it only stores in
int8.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from fkp.errors import ModelError, QuantizationError
from fkp.export.onnx_export import provenance
from fkp.export.pack_pixels import PIXELS, feed_bytes, pack_pixels
from fkp.export.weight_dtype import store_weights
from fkp.models import Prediction
from fkp.spec import INPUT_NAME, METADATA_KEY, OUTPUT_NAMES, DetectorSpec, ModelSpec
from fkp.training.crops import CropDataset
from fkp.training.evaluate import evaluate

SUFFIX = "-int8"
WORST = 1.02  # largest error of the integer file on the validation part, over that of the file it comes from
_CALIBRATION_CROPS = 64
# Sums and upsampling too, so that values stay integers between two convolutions.
_IN_INTEGERS = ["Conv", "Relu", "Add", "Resize", "MaxPool", "Transpose", "Reshape"]


def check_exported(path: Path, command: str) -> None:
    """Raise ModelError where a file is missing that `python -m fkp COMMAND` writes."""
    if not path.is_file():
        raise ModelError(f"{path} is not there: first run `python -m fkp {command}`")


def quantize(path: Path, training: CropDataset, validation: CropDataset) -> tuple[Path, float, float]:
    """Write NAME-int8.onnx beside NAME.onnx.

    Args:
        path: an exported file.
        training: varied training crops; some of them, spread over all, calibrate.
        validation: faces that were not trained on.

    Returns:
        the file, and the NME in percent on the validation part of the old and of the new file.

    Raises:
        QuantizationError: the new one is more than `WORST` of the old; nothing is written.
    """
    faces = np.linspace(0, len(training) - 1, _CALIBRATION_CROPS).astype(int)
    with TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder, path.name)
        crops = (training[draw, int(face)][0] for draw, face in enumerate(faces))
        to_integers(path, part, crops, last_in_floats=False)
        before, after = (error_of(file, validation) for file in (path, part))
        if after > WORST * before:
            raise QuantizationError(
                f"{path.stem} would err by {after:.3f} % in integers instead of {before:.3f} %"
            )
        target = integer_path(path)
        spec = ModelSpec.from_json(read_description(path))
        validation_now = spec.validation and dataclasses.replace(spec.validation, value=round(after, 4))
        describe(part, spec, validation=validation_now)
        part.replace(target)
    return target, before, after


def integer_path(path: Path) -> Path:
    """Where the integer file of an exported one belongs."""
    return path.with_name(f"{path.stem}{SUFFIX}.onnx")


def to_integers(
    path: Path, target: Path, pictures: Iterator[NDArray[np.uint8]], *, last_in_floats: bool
) -> None:
    """Write an exported file with its convolutions in 8-bit integers, without a description.

    Args:
        path: the exported file.
        target: what to write.
        pictures: (H, W, 3) inputs, from which the ranges of the values between the layers are taken.
        last_in_floats: whether the last convolutions stay in floats, since what they give is a position and
            would move in steps; maps of probability, whose mean is the position, bear the steps.
    """
    plain = target.with_suffix(".plain")
    quant_pre_process(path, plain, skip_symbolic_shape=True)
    proto = onnx.load(plain)
    zero = pack_pixels(proto)
    overrides = {}
    if zero is not None:
        onnx.save(proto, plain)
        as_bytes = {"scale": np.array(1, np.float32), "zero_point": np.array(zero, np.uint8)}
        overrides = {PIXELS: [{"quant_type": QuantType.QUInt8, **as_bytes}]}
    first = next(node.name for node in proto.graph.node if node.op_type == "Conv")
    quantize_static(
        plain, target, _Calibration(pictures), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=_IN_INTEGERS,
        # Weights of 7 bits: without VNNI, sums of two products of 8 bits overflow their 16 bits.
        reduce_range=True,
        # In integers three channels are slower.
        nodes_to_exclude=[*([first] if zero is None else []), *_last(proto, last_in_floats)],
        extra_options={"TensorQuantOverrides": overrides},
    )  # fmt: skip
    proto = onnx.load(target)
    if zero is not None:
        feed_bytes(proto)
    store_weights(proto, "int8")  # those that stay in floats, where they were rounded for the source
    onnx.save(proto, target)


def _last(proto: onnx.ModelProto, with_convolutions: bool) -> list[str]:
    """The nodes that lead to no other convolution: what follows the last ones, and these where asked."""
    last: list[str] = []
    wanted: set[str] = set()
    for node in reversed(proto.graph.node):  # sorted: what takes a value comes after what makes it
        leads_to_another = not wanted.isdisjoint(node.output)
        if not leads_to_another and (with_convolutions or node.op_type != "Conv"):
            last.append(node.name)
        if leads_to_another or node.op_type == "Conv":
            wanted.update(node.input)
    return last


def error_of(path: Path, dataset: CropDataset) -> float:
    """A file's NME in percent on plain crops."""
    return evaluate(FromFile(path, OUTPUT_NAMES, Prediction), dataset, torch.device("cpu")).nme


class _Calibration(CalibrationDataReader):
    def __init__(self, pictures: Iterator[NDArray[np.uint8]]) -> None:
        self.pictures = pictures

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        picture = next(self.pictures, None)
        return None if picture is None else {INPUT_NAME: picture[None]}


class FromFile(nn.Module):
    """An exported file in the place of a network."""

    def __init__(
        self, path: Path, outputs: Sequence[str], assemble: Callable[[Tensor, Tensor], NamedTuple]
    ) -> None:
        """`assemble` makes the network's result of the two `outputs` of the file."""
        super().__init__()
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self._outputs, self._assemble = list(outputs), assemble

    def forward(self, image: Tensor) -> NamedTuple:
        first, second = self._session.run(self._outputs, {INPUT_NAME: image.numpy()})
        return self._assemble(torch.from_numpy(first), torch.from_numpy(second))


def read_description(path: Path) -> str:
    """The JSON in a file's metadata."""
    return next(entry.value for entry in onnx.load(path).metadata_props if entry.key == METADATA_KEY)


def describe(path: Path, source: ModelSpec | DetectorSpec, **changes: Any) -> None:
    """Write the description of the original file into the quantized one, with what has changed."""
    name, summary = source.name + SUFFIX, f"{source.summary}, in 8-bit integers"
    spec = dataclasses.replace(
        source, name=name, summary=summary, precision="int8", **provenance(), **changes
    )
    proto = onnx.load(path)
    helper.set_model_props(proto, {METADATA_KEY: spec.to_json()})
    onnx.save(proto, path)
