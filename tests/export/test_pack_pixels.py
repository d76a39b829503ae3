"""Convolutions on groups of pixels: other shapes, the same outputs."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fkp.export.pack_pixels import PIXELS, pack_pixels
from fkp.models.base import Preprocess
from fkp.pixel_packing import group_weight, is_grouped, ungroup_maps, ungroup_weight


def graph(path, *, gray=False, normalization="min-max", stride=2, width=24):
    torch.manual_seed(0)
    preprocess = Preprocess(gray, normalization)
    network = nn.Sequential(preprocess, nn.Conv2d(preprocess.channels, 5, 3, stride, 1), nn.ReLU()).eval()
    image = torch.zeros(1, 8, width, 3, dtype=torch.uint8)
    torch.onnx.export(network, (image,), path, input_names=["image"], dynamo=True, verbose=False)
    return onnx.load(path)


def outputs(proto, image):
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"image": image})[0]


def test_a_grouped_weight_gives_both_outputs_of_a_group(rng):
    weight, picture = rng.normal(size=(5, 3, 3, 3)), rng.normal(size=(1, 8, 24, 3))
    expected = F.conv2d(torch.tensor(picture).permute(0, 3, 1, 2), torch.tensor(weight), stride=2, padding=1)
    groups = F.pad(torch.tensor(picture.reshape(1, 8, 6, 12)).permute(0, 3, 1, 2), (1, 0, 1, 1))
    grouped = group_weight(weight)
    assert is_grouped(grouped)
    assert np.array_equal(ungroup_weight(grouped), weight)
    maps = F.conv2d(groups, torch.tensor(grouped), stride=(2, 1))[0].numpy()
    assert np.allclose(ungroup_maps(maps), expected[0])


@pytest.mark.parametrize("normalization", ["min-max", "unit", "imagenet"])
def test_a_packed_graph_gives_the_same_outputs(tmp_path, rng, normalization):
    proto = graph(tmp_path / "plain.onnx", normalization=normalization)
    image = rng.integers(0, 256, (1, 8, 24, 3)).astype(np.uint8)
    before = outputs(proto, image)
    zero = pack_pixels(proto)
    after = outputs(proto, image)
    # No byte is exactly the mean of a channel, so pictures are padded with nearly the same as before.
    inside = (..., slice(1, None), slice(1, None))
    assert np.allclose(after[inside], before[inside], atol=1e-4)
    assert np.abs(after - before).max() < (0.3 if normalization == "imagenet" else 0.02)
    assert zero == {"min-max": 128, "unit": 0, "imagenet": 114}[normalization]
    assert any(PIXELS in node.output for node in proto.graph.node)


@pytest.mark.parametrize("other", [{"gray": True}, {"stride": 1}, {"width": 22}])
def test_other_graphs_are_left_alone(tmp_path, other):
    proto = graph(tmp_path / "plain.onnx", **other)
    before = proto.SerializeToString()
    assert pack_pixels(proto) is None
    assert proto.SerializeToString() == before
