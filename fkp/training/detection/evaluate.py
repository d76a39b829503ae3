"""Recall of the detector on validation pictures while it trains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fkp.datasets import Sample
from fkp.geometry import box_iou, merge_boxes
from fkp.images import load_image
from fkp.letterbox import LONGEST, to_batch
from fkp.spec import DETECTOR_THRESHOLD
from fkp.training.detection.sources import Picture

_SIZES = {"small": 24, "large": 450}  # pixels of the faces in further copies


@torch.inference_mode()
def evaluate(model: nn.Module, samples: Sequence[Sample], negatives: Sequence[Picture]) -> dict[str, float]:
    """Recall at IoU 0.5 of the listed faces, as they are and with faces of 24 and of 450 pixels, and the
    boxes found per picture beside them (other people's faces among them) and per negative."""
    model.eval()
    hits: dict[str, list[bool]] = defaultdict(list)
    ious, others = [], 0
    for sample in samples:
        image, box = load_image(sample.image), np.asarray(sample.box)
        found, scale = _detect(model, image)
        overlap = float(box_iou(box * scale, found)[0].max(initial=0))
        hits["recall"].append(overlap >= 0.5)
        ious.append(overlap)
        others += len(found) - (overlap >= 0.5)
        for name, size in _SIZES.items():
            scale = size / max(box[2:] - box[:2])
            corner = np.maximum((box[:2] + box[2:]) / 2 - LONGEST / 2 / scale, 0).astype(int)
            around = image[corner[1] :, corner[0] :][: int(LONGEST / scale), : int(LONGEST / scale)]
            resized = cv2.resize(around, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            found, _ = _detect(model, resized)
            moved = (box - np.tile(corner, 2)) * scale
            hits[f"recall_{name}"].append(box_iou(moved, found)[0].max(initial=0) >= 0.5)
    figures = {name: float(np.mean(values)) for name, values in hits.items()}
    false = [len(_detect(model, picture.image)[0]) for picture in negatives]
    return figures | {
        "iou": float(np.mean(ious)), "others": others / len(samples),
        "in_negatives": float(np.mean(false or 0)),
    }  # fmt: skip


def _detect(model: nn.Module, image: NDArray) -> tuple[NDArray, float]:
    """Boxes (N, 4) in the frame of the picture as it is searched, and the scale of that."""
    batch, scale = to_batch(image)
    boxes, logits = model(torch.from_numpy(batch))
    return merge_boxes(boxes[0].float().numpy(), logits[0].sigmoid().numpy(), DETECTOR_THRESHOLD)[0], scale
