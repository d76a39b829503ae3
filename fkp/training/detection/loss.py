"""Which cell must say what, and how wrong it is."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from fkp.models.detector import STRIDES, FaceCells, cell_centers

# Sizes of faces, in strides, that a level predicts; neighboring levels share what is between.
_SIZES = (1.9, 6.5)
# How far from a box's center, as a share of its size, a cell must see the face, and may.
_CORE, _RIM = 0.2, 0.35
_BOX_WEIGHT = 2.0
_FOCUS, _REST = 2.0, 0.75  # focal power and weight of the cells without a face

Targets = tuple[NDArray[np.float32], NDArray[np.int8]]


def assign(boxes: NDArray, ignored: NDArray, side: int) -> Targets:
    """What each cell of a scene is asked for.

    Args:
        boxes: (N, 4) faces, image frame.
        ignored: (M, 4) what may be faces.
        side: of the square scene.

    Returns:
        the box (A, 4) of each cell, and its kind (A,): 1 a face, 0 none, -1 not asked.
    """
    wanted, kinds = [], []
    for level, stride in enumerate(STRIDES):
        count = side // stride
        centers = cell_centers(count, count, stride).numpy()
        box = np.zeros((len(centers), 4), np.float32)
        kind = np.zeros(len(centers), np.int8)
        for doubtful in ignored:
            inside = (centers > doubtful[:2]).all(axis=1) & (centers < doubtful[2:]).all(axis=1)
            kind[inside] = -1
        # The largest first, so that of two faces in one cell the smaller has it.
        for face in sorted(boxes, key=lambda b: -float((b[2:] - b[:2]).max())):
            size = float((face[2:] - face[:2]).max())
            away = np.abs(centers - (face[:2] + face[2:]) / 2).max(axis=1)
            low = _SIZES[0] if level else 0.0
            high = _SIZES[1] if level + 1 < len(STRIDES) else np.inf
            responsible = low <= size / stride < high
            kind[(away < max(_RIM * size, stride)) & (kind == 0)] = -1
            if responsible:
                core = away < max(_CORE * size, 0.6 * stride)
                box[core], kind[core] = face, 1
        wanted.append(box)
        kinds.append(kind)
    return np.concatenate(wanted), np.concatenate(kinds)


def detection_loss(cells: FaceCells, boxes: Tensor, kinds: Tensor) -> Tensor:
    """Varifocal loss on the scores (Zhang et al., "VarifocalNet", 2021) and GIoU loss on the boxes
    (Rezatofighi et al., 2019).

    Args:
        cells: of a batch.
        boxes, kinds: the targets (N, A, 4) and (N, A) of `assign`.
    """
    face = kinds == 1
    count = face.sum().clamp(min=1)
    iou, giou = _overlaps(cells.boxes[face], boxes[face])
    quality = torch.zeros_like(cells.logits)
    quality[face] = iou.detach().clamp(min=0.1)
    probability = cells.logits.detach().sigmoid()
    weight = torch.where(face, quality, _REST * probability**_FOCUS) * (kinds >= 0)
    score_loss = F.binary_cross_entropy_with_logits(cells.logits, quality, weight, reduction="sum")
    return (score_loss + _BOX_WEIGHT * (1 - giou).sum()) / count


def _overlaps(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of boxes (n, 4) with boxes (n, 4), one by one."""
    inner = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(dim=1)
    outer = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(dim=1)
    union = (a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - inner
    iou = inner / union.clamp(min=1e-6)
    return iou, iou - (outer - union) / outer.clamp(min=1e-6)
