"""Recall of the detector on validation pictures while it trains."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fkp.datasets import Sample
from fkp.geometry import box_iou
from fkp.images import load_image

_THRESHOLD, _OVERLAP = 0.5, 0.4
_SMALL = 32  # pixels: the size of faces that the small copies show


@torch.inference_mode()
def evaluate(model: nn.Module, samples: Sequence[Sample], side: int) -> dict[str, float]:
    """Recall at IoU 0.5 of the listed faces, as they are and with faces of 32 pixels, and the other
    boxes that are found per picture (other people's faces among them)."""
    model.eval()
    hits: dict[str, list[bool]] = {"recall": [], "recall_small": []}
    ious, others = [], 0
    for sample in samples:
        image, box = load_image(sample.image), np.asarray(sample.box)
        small = _SMALL / max(box[2:] - box[:2])
        for name, scale in (("recall", min(1.0, side / max(image.shape))), ("recall_small", small)):
            found = _detect(model, image, scale, side)
            overlap = box_iou(box * scale, found)[0]
            hits[name].append(bool(overlap.size and overlap.max() >= 0.5))
            if name == "recall":
                ious.append(overlap.max() if overlap.size else 0.0)
                others += len(found) - hits[name][-1]
    figures = {name: float(np.mean(values)) for name, values in hits.items()}
    return figures | {"iou": float(np.mean(ious)), "others": others / len(samples)}


def _detect(model: nn.Module, image: NDArray[np.uint8], scale: float, side: int) -> NDArray:
    """Boxes (N, 4) in the frame of the scaled picture, which is padded to a square."""
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:side, :side]
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    boxes, logits = model(torch.from_numpy(canvas[None]))
    scores = logits[0].sigmoid().numpy()
    sure = scores >= _THRESHOLD
    boxes, scores = boxes[0].float().numpy()[sure], scores[sure]
    corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), _THRESHOLD, _OVERLAP)
    return boxes[np.asarray(kept, int).reshape(-1)]
