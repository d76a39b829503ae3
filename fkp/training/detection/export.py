"""From the trained face detector to its .onnx file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from fkp.models import multiply_adds
from fkp.models.detector import STRIDES, FaceDetector
from fkp.spec import DETECTOR_OUTPUT_NAMES, DetectorSpec, Validation
from fkp.training.detection.loop import averaged_weights
from fkp.training.detection.recipe import DetectorRecipe
from fkp.training.export import provenance, write_onnx
from fkp.training.run import Run, check_same_recipe
from fkp.training.storage import round_weights

_LIMITS = (0.25, 1e-3)  # pixels of a box (those of cells without a face are huge), and of a score
_LARGEST = 64  # sides of a picture, in steps of the largest stride


class _Exported(nn.Module):
    """Boxes, and scores instead of logits."""

    def __init__(self, detector: FaceDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        boxes, logits = self.detector(image)
        return boxes, logits.sigmoid()


def export_detector(recipe: DetectorRecipe, run: Run, out: Path) -> Path:
    """Writes NAME.onnx: uint8 (N, H, W, 3) in, H and W multiples of 64; boxes (N, A, 4) in pixels and
    scores (N, A) out.

    Raises:
        RunError: the run is not there, belongs to another version of the recipe, or the file's answers
            differ from the network's.
    """
    weights = averaged_weights(run)
    state = torch.load(run.checkpoint, map_location="cpu")
    check_same_recipe(state["recipe"], recipe, run.checkpoint)
    detector = recipe.build()
    detector.load_state_dict(weights)
    round_weights(detector, "half")
    network = _Exported(detector).eval()
    scenes: Tensor = state["scenes"]
    last = state["history"][-1]
    spec = DetectorSpec(
        name=recipe.name,
        summary=recipe.summary,
        source=recipe.source,
        training_data=state["training_data"],
        parameters=sum(p.numel() for p in detector.parameters()),
        multiply_adds=multiply_adds(network, torch.zeros(1, 512, 640, 3, dtype=torch.uint8)),
        recall=Validation(recipe.validation, f"recall at IoU 0.5, epoch {last['epoch']}", last["recall"]),
        **provenance(),
    )
    step = STRIDES[-1]
    path = out / f"{recipe.name}.onnx"
    write_onnx(
        path, network, spec.to_json(), "half", DETECTOR_OUTPUT_NAMES,
        batches=(scenes[:1, : 2 * step], scenes[:2, :, : 3 * step], scenes), limits=_LIMITS,
        dynamic={
            0: torch.export.Dim("batch", min=1),
            1: step * torch.export.Dim("rows", min=1, max=_LARGEST),
            2: step * torch.export.Dim("columns", min=1, max=_LARGEST),
        },
    )  # fmt: skip
    return path
