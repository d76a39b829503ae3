"""Inspection of an exported file: its first filters, the feature maps of a crop, and its heatmaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fkp.errors import ModelError
from fkp.pixel_packing import is_grouped, ungroup_maps, ungroup_weight
from fkp.spec import INPUT_NAME

_MOST_LAYERS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The output of one convolution for a crop.

    Attributes:
        title: which of the file's convolutions it is, with its kernel's size.
        maps: (C, H, W) float32.
    """

    title: str
    maps: NDArray[np.float32]


class Inside:
    """An exported file that also gives out its convolutions and its softmax maps.

    Attributes:
        filters: weights of the first convolution, (N, C, h, w) float32; C is 3 for color, 1 for gray.
    """

    filters: NDArray[np.float32]

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            ModelError: it holds no convolution of a picture.
        """
        model = onnx.load(path)
        weights = {tensor.name: tensor for tensor in model.graph.initializer}
        layers = [node for node in model.graph.node if node.op_type == "Conv"]
        if not layers:
            raise ModelError("this network has no convolution to show")
        picked = np.unique(np.linspace(0, len(layers) - 1, _MOST_LAYERS).round().astype(int)).tolist()
        self._titles = {layers[i].output[0]: _title(i, len(layers), _kernel(layers[i])) for i in picked}
        # A network with maps turns each of them into a distribution over its cells, and multiplies that by
        # where the cells are, in whatever order it holds them.
        softmaxes = {node.output[0] for node in model.graph.node if node.op_type == "Softmax"}
        means = [n.input for n in model.graph.node if n.op_type == "MatMul" and n.input[0] in softmaxes]
        self._maps: str | None
        self._maps, centers = means[-1] if means else (None, None)
        first = layers[0].input[1]
        # Stored in fewer bits, or made by the graph itself: what a run gives out.
        computed = [name for name in (first, centers) if name and name not in weights]
        given = {output.name for output in model.graph.output}
        wanted = [*self._titles, *([self._maps] if self._maps else []), *computed]
        model.graph.output.extend(
            helper.make_empty_tensor_value_info(name) for name in wanted if name not in given
        )
        self._session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        crop = np.zeros(self._session.get_inputs()[0].shape[1:], np.uint8)
        arrays = dict(zip(computed, self._run(computed, crop) if computed else [], strict=True))
        arrays |= {name: numpy_helper.to_array(weights[name]) for name in (first, centers) if name in weights}
        self.filters = arrays[first].astype(np.float32)
        self._centers = arrays[centers] if centers else np.empty((0, 3))
        self._grouped = layers[0].output[0] if is_grouped(self.filters) else None
        if self._grouped:
            self.filters = ungroup_weight(self.filters)
            self._titles[self._grouped] = _title(0, len(layers), (3, 3))

    def layers(self, crop: NDArray[np.uint8]) -> list[Layer]:
        """Some convolutions, from the first to the last, on one RGB crop (H, W, 3) of the model's size."""
        outputs = self._run(list(self._titles), crop)
        return [
            Layer(title, ungroup_maps(maps[0]) if name == self._grouped else maps[0])
            for (name, title), maps in zip(self._titles.items(), outputs, strict=True)
        ]

    def maps(self, crop: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Where each point may be in a crop (H, W, 3): (K, h, w), each map adding up to 1; None without."""
        if self._maps is None:
            return None
        x, y = self._centers[:, :2].T
        by_rows = np.lexsort((x, y))
        flat = self._run([self._maps], crop)[0][0][:, by_rows]
        return flat.reshape(len(flat), len(np.unique(y)), -1).astype(np.float32)

    def _run(self, outputs: Sequence[str], crop: NDArray[np.uint8]) -> list[NDArray]:
        return self._session.run(list(outputs), {INPUT_NAME: crop[None]})


def _title(index: int, count: int, kernel: Sequence[int]) -> str:
    return f"Convolution {index + 1} of {count}, {' x '.join(map(str, kernel))}"


def _kernel(node: onnx.NodeProto) -> Sequence[int]:
    return next((attribute.ints for attribute in node.attribute if attribute.name == "kernel_shape"), ())


@lru_cache(maxsize=2)
def open_inside(path: Path, _changed: int) -> Inside:
    """`Inside(path)`, kept for the next visitor; `_changed` is the file's time."""
    return Inside(path)
