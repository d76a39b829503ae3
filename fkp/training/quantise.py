"""From an exported file to one whose convolutions run in 8-bit integers.

ONNX Runtime measures on training crops which values flow between the layers, and then runs them as integers:
about twice as fast on a CPU that multiplies bytes (VNNI). `fkp.training.storage` only stores in int8.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from fkp.models import Prediction
from fkp.schemes import get_scheme
from fkp.spec import INPUT_NAME, METADATA_KEY, OUTPUT_NAMES, ModelSpec, Validation
from fkp.training.crops import CropDataset
from fkp.training.evaluate import evaluate

SUFFIX = "-int8"
WORST = 1.02  # largest error of the integer file on the validation part, over that of the file it comes from
CALIBRATION_PICTURES = 64
# Sums and enlargements too, so that a value need not leave the integers between two convolutions.
_IN_INTEGERS = ["Conv", "Relu", "Add", "Resize", "MaxPool"]


class QuantisationError(RuntimeError):
    """An integer file would be too much worse; the message says by how much."""


def quantise(path: Path, training: CropDataset, validation: CropDataset) -> tuple[Path, float, float]:
    """Writes NAME-int8.onnx beside NAME.onnx.

    Args:
        path: an exported file.
        training: varied training crops; the first few calibrate.
        validation: faces that were not trained on.

    Returns:
        the file, and the NME in percent on the validation part of the old and of the new file.

    Raises:
        QuantisationError: the new one is more than `WORST` of the old; nothing is written.
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: first run `python -m fkp export {path.stem}`")
    target = path.with_name(f"{path.stem}{SUFFIX}.onnx")
    faces = np.linspace(0, len(training) - 1, CALIBRATION_PICTURES).astype(int)
    crops = (training[draw, int(face)][0] for draw, face in enumerate(faces))
    with TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder, target.name)
        to_integers(path, part, crops, get_scheme(training.recipe.scheme).num_points)
        before, after = (error_of(file, validation) for file in (path, part))
        if after > WORST * before:
            raise QuantisationError(f"{target.name} would err by {after:.3f} % instead of {before:.3f} %")
        _describe(part, path, after)
        part.replace(target)
    return target, before, after


def to_integers(source: Path, target: Path, pictures: Iterable[NDArray[np.uint8]], outputs: int) -> None:
    """Writes a copy of an exported file whose convolutions run in integers, but for the last ones.

    Args:
        source, target: the files.
        pictures: inputs (H, W, 3) that show which values flow.
        outputs: channels of the last convolutions, which stay in floats: what they say is read as positions.
    """
    with TemporaryDirectory(dir=target.parent) as folder:
        plain = Path(folder, "plain.onnx")
        quant_pre_process(source, plain, skip_symbolic_shape=True)
        graph = onnx.load(plain).graph
        channels = {weight.name: weight.dims[0] for weight in graph.initializer if weight.dims}
        last = [n.name for n in graph.node if n.op_type == "Conv" and channels[n.input[1]] == outputs]
        quantize_static(
            plain, target, _Calibration(pictures), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=_IN_INTEGERS,
            nodes_to_exclude=last,
        )  # fmt: skip


def error_of(path: Path, dataset: CropDataset) -> float:
    """A file's NME in percent on plain crops."""
    return evaluate(_FromFile(path), dataset, torch.device("cpu")).nme


class _Calibration(CalibrationDataReader):
    def __init__(self, pictures: Iterable[NDArray[np.uint8]]) -> None:
        self.pictures = iter(pictures)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        picture = next(self.pictures, None)
        return None if picture is None else {INPUT_NAME: picture[None]}


class _FromFile(nn.Module):
    """An exported file in the place of a network."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def forward(self, image: Tensor) -> Prediction:
        points, scores = self.session.run(list(OUTPUT_NAMES), {INPUT_NAME: image.numpy()})
        return Prediction(torch.from_numpy(points), torch.from_numpy(scores))


def _describe(path: Path, source: Path, error: float) -> None:
    """Gives the new file the description of the one that it comes from, with its own name and figure."""
    properties = {entry.key: entry.value for entry in onnx.load(source).metadata_props}
    spec = ModelSpec.from_json(properties[METADATA_KEY])
    validation = spec.validation and Validation(
        spec.validation.dataset, spec.validation.metric, round(error, 4)
    )
    spec = dataclasses.replace(
        spec, name=spec.name + SUFFIX, summary=f"{spec.summary}, in 8-bit integers", validation=validation
    )
    proto = onnx.load(path)
    helper.set_model_props(proto, {METADATA_KEY: spec.to_json()})
    onnx.save(proto, path)
