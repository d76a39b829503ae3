"""Quantization of the face detector."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from fkp.datasets import Sample
from fkp.errors import QuantizationError
from fkp.export.quantize import FromFile, describe, integer_path, read_description, to_integers
from fkp.models.detector import FaceCells
from fkp.spec import DETECTOR_OUTPUT_NAMES, DetectorSpec
from fkp.training.detection.evaluate import evaluate
from fkp.training.detection.sources import Picture
from fkp.training.detection.trainer import SceneDataset

_CALIBRATION_SCENES = 64
_WORST = 0.01  # share of the validation faces that the integer file may find less


def quantize_detector(
    path: Path, scenes: SceneDataset, validation: Sequence[Sample], negatives: Sequence[Picture]
) -> tuple[Path, dict[str, float], dict[str, float]]:
    """Write NAME-int8.onnx beside NAME.onnx.

    Args:
        path: the exported detector.
        scenes: training scenes; the first few calibrate.
        validation: see `evaluate`.
        negatives: see `evaluate`.

    Returns:
        the file, and the figures of the old and of the new file.

    Raises:
        QuantizationError: the new one finds fewer faces; nothing is written.
    """
    with TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder, path.name)
        pictures = (scenes[i, i][0] for i in range(_CALIBRATION_SCENES))
        to_integers(path, part, pictures, last_in_floats=True)
        before, after = (evaluate(_detector(file), validation, negatives) for file in (path, part))
        for figure in ("recall", "recall_small", "recall_large"):
            if after[figure] < before[figure] - _WORST:
                raise QuantizationError(
                    f"{path.stem} would have a {figure} of {after[figure]:.3f}, not {before[figure]:.3f}"
                )
        spec = DetectorSpec.from_json(read_description(path))
        describe(part, spec, recall=dataclasses.replace(spec.recall, value=after["recall"]))
        target = integer_path(path)
        part.replace(target)
    return target, before, after


def _detector(path: Path) -> FromFile:
    return FromFile(path, DETECTOR_OUTPUT_NAMES, lambda boxes, scores: FaceCells(boxes, scores.logit()))
