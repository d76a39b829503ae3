"""Export of the face detector."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from fkp.export.onnx_export import provenance, write_onnx
from fkp.export.weight_dtype import round_weights
from fkp.letterbox import STEP
from fkp.models import multiply_adds
from fkp.models.detector import FaceDetector
from fkp.spec import DETECTOR_OUTPUT_NAMES, DETECTOR_THRESHOLD, DetectorSpec, Validation
from fkp.training.detection.recipe import DetectorRecipe
from fkp.training.run import Run

_LIMITS = (0.25, 1e-3)  # pixels of a box (those of cells without a face are huge), and of a score
_LARGEST = 128  # sides of a picture, in steps


class _Exported(nn.Module):
    """Boxes, and scores instead of logits."""

    def __init__(self, detector: FaceDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        boxes, logits = self.detector(image)
        return boxes, logits.sigmoid()


def export_detector(recipe: DetectorRecipe, run: Run, out: Path) -> Path:
    """Write NAME.onnx: uint8 (N, H, W, 3) in, H and W multiples of 32; boxes (N, A, 4) in pixels and
    scores (N, A) out.

    Raises:
        RunError: the run is not there, belongs to another version of the recipe, or the file's outputs
            differ from the network's.
    """
    detector = recipe.build()
    weights = run.load_into(detector, recipe)
    round_weights(detector, "half")
    network = _Exported(detector).eval()
    scenes = weights.examples
    spec = DetectorSpec(
        name=recipe.name,
        summary=recipe.summary,
        source=recipe.source,
        threshold=DETECTOR_THRESHOLD,
        step=STEP,
        training_data=weights.training_data,
        parameters=sum(p.numel() for p in detector.parameters()),
        multiply_adds=multiply_adds(network, torch.zeros(1, 480, 640, 3, dtype=torch.uint8)),
        recall=Validation(recipe.validation, "recall at IoU 0.5", weights.validation, weights.epoch),
        **provenance(),
    )
    path = out / f"{recipe.name}.onnx"
    write_onnx(
        path, network, spec.to_json(), "half", DETECTOR_OUTPUT_NAMES,
        batches=(scenes[:1, : 3 * STEP], scenes[:2, :, : 4 * STEP], scenes), limits=_LIMITS,
        dynamic={
            0: torch.export.Dim("batch", min=1),
            1: STEP * torch.export.Dim("rows", min=1, max=_LARGEST),
            2: STEP * torch.export.Dim("columns", min=1, max=_LARGEST),
        },
    )  # fmt: skip
    return path
