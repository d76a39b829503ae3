"""A look inside an exported file: its first filters, and what its layers make of a crop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fkp.spec import INPUT_NAME

_MOST_LAYERS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What one convolution makes of a crop.

    Attributes:
        title: which of the file's convolutions it is, with its kernel's size.
        maps: (C, H, W) float32.
    """

    title: str
    maps: NDArray[np.float32]


class Inside:
    """An exported file that also gives out its convolutions.

    Attributes:
        filters: weights of the first convolution, (N, C, h, w) float32; C is 3 for colour, 1 for grey.
    """

    filters: NDArray[np.float32]

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            ValueError: it holds no convolution of a picture.
        """
        model = onnx.load(path)
        weights = {tensor.name: tensor for tensor in model.graph.initializer}
        layers = [node for node in model.graph.node if node.op_type == "Conv"]
        if not layers:
            raise ValueError("this network has no convolution to look at")
        picked = np.unique(np.linspace(0, len(layers) - 1, _MOST_LAYERS).round().astype(int)).tolist()
        self._titles = {layers[i].output[0]: self._title(layers[i], i, len(layers)) for i in picked}
        first = layers[0].input[1]
        wanted = [*self._titles] + ([] if first in weights else [first])
        given = {output.name for output in model.graph.output}
        model.graph.output.extend(
            helper.make_empty_tensor_value_info(name) for name in wanted if name not in given
        )
        self._session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        if first in weights:
            self.filters = numpy_helper.to_array(weights[first]).astype(np.float32)
        else:  # stored in fewer bits, and made whole by the graph itself
            crop = np.zeros((1, *self._session.get_inputs()[0].shape[1:]), np.uint8)
            self.filters = self._session.run([first], {INPUT_NAME: crop})[0].astype(np.float32)

    def layers(self, crop: NDArray[np.uint8]) -> list[Layer]:
        """Some convolutions, from the first to the last, on one RGB crop (H, W, 3) of the model's size."""
        maps = self._session.run(list(self._titles), {INPUT_NAME: crop[None]})
        return [Layer(title, answer[0]) for title, answer in zip(self._titles.values(), maps, strict=True)]

    @staticmethod
    def _title(node: onnx.NodeProto, index: int, count: int) -> str:
        shape = next((attribute.ints for attribute in node.attribute if attribute.name == "kernel_shape"), ())
        return f"Convolution {index + 1} of {count}, {' x '.join(map(str, shape))}"


@lru_cache(maxsize=2)
def open_inside(path: Path, _changed: int) -> Inside:
    """`Inside(path)`, kept for the next visitor; `_changed` is the file's time."""
    return Inside(path)


def mosaic(tiles: NDArray[np.floating], tile_side: int) -> NDArray[np.uint8]:
    """Pictures side by side, each from its own darkest to its own brightest value.

    Args:
        tiles: (N, H, W) or (N, H, W, 3).
        tile_side: height and width of a tile in the result, in pixels; enlarged without blurring.

    Returns:
        RGB uint8; tiles without colour are drawn in the viridis scale.
    """
    # As many in a row as leave no gap in the last one.
    columns = next((width for width in range(8, 3, -1) if len(tiles) % width == 0), 8)
    rows = -(-len(tiles) // columns)
    step = tile_side + 2
    canvas = np.full((rows * step - 2, min(columns, len(tiles)) * step - 2, 3), 128, np.uint8)
    for number, tile in enumerate(tiles):
        low, high = float(tile.min()), float(tile.max())
        level = ((tile - low) * (255 / ((high - low) or 1))).astype(np.uint8)
        level = cv2.resize(level, (tile_side, tile_side), interpolation=cv2.INTER_NEAREST)
        if level.ndim == 2:
            level = cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS)[..., ::-1]
        top, left = number // columns * step, number % columns * step
        canvas[top : top + tile_side, left : left + tile_side] = level
    return canvas
