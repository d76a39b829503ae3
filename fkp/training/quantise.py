"""From an exported file to one whose convolutions run in 8-bit integers.

ONNX Runtime measures on training crops which values flow between the layers, and then runs them as integers:
about twice as fast on a CPU that multiplies bytes (VNNI). `fkp.training.storage` only stores in int8.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
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
from fkp.spec import INPUT_NAME, METADATA_KEY, OUTPUT_NAMES, ModelSpec, Validation
from fkp.training.crops import CropDataset
from fkp.training.evaluate import evaluate

SUFFIX = "-int8"
WORST = 1.02  # largest error of the integer file on the validation part, over that of the file it comes from
_CALIBRATION_CROPS = 64
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
    with TemporaryDirectory(dir=path.parent) as folder:
        plain, part = Path(folder, "plain.onnx"), Path(folder, target.name)
        quant_pre_process(path, plain, skip_symbolic_shape=True)
        # Two stay in floats: the first convolution, since three channels are slower in integers, and the
        # last one, whose maps become positions, which would move in steps.
        first, *_, head = (node.name for node in onnx.load(plain).graph.node if node.op_type == "Conv")
        quantize_static(
            plain, part, _Calibration(training), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=_IN_INTEGERS, nodes_to_exclude=[first, head],
        )  # fmt: skip
        before, after = (error_of(file, validation) for file in (path, part))
        if after > WORST * before:
            raise QuantisationError(f"{target.name} would err by {after:.3f} % instead of {before:.3f} %")
        _describe(part, path, after)
        part.replace(target)
    return target, before, after


def error_of(path: Path, dataset: CropDataset) -> float:
    """A file's NME in percent on plain crops."""
    return evaluate(_FromFile(path), dataset, torch.device("cpu")).nme


class _Calibration(CalibrationDataReader):
    def __init__(self, dataset: CropDataset) -> None:
        self.crops = self._crops(dataset)

    def _crops(self, dataset: CropDataset) -> Iterator[NDArray[np.uint8]]:
        faces = np.linspace(0, len(dataset) - 1, _CALIBRATION_CROPS).astype(int)
        return (dataset[draw, int(face)][0] for draw, face in enumerate(faces))

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        crop = next(self.crops, None)
        return None if crop is None else {INPUT_NAME: crop[None]}


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
