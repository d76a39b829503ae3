"""From trained weights to the .onnx file that everything else runs on."""

from __future__ import annotations

import datetime
import importlib.metadata
import subprocess
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fkp.models import KeypointModel
from fkp.schemes import get_scheme
from fkp.spec import INPUT_NAME, METADATA_KEY, OUTPUT_NAMES, ModelSpec, Validation
from fkp.training.recipe import Recipe
from fkp.training.run import Run, RunError, Weights

OPSET = 18
# Largest differences from the trained network: of the points, in crop sides, and of the scores.
PARITY_LIMITS = (1e-4, 1e-3)
LICENCE = (
    "Weights trained on face data sets that are free for research and education only; "
    "not for commercial use. See the README."
)
_HALF_FROM = 1024  # smaller tensors save nothing worth a node


class _Exported(nn.Module):
    """The contract's two outputs of a keypoint model."""

    def __init__(self, model: KeypointModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        points, scores, _ = self.model(image)
        return points, torch.ones_like(points[..., 0]) if scores is None else scores


def export(recipe: Recipe, run: Run, out: Path) -> tuple[Path, float]:
    """Writes NAME.onnx, with its ModelSpec inside, once it agrees with the trained network.

    Args:
        recipe: what was trained.
        run: its finished run.
        out: the folder of the models.

    Returns:
        the file, and the largest difference of its points from the trained network's, in crop sides.

    Raises:
        RunError: the run has no weights, they belong to another version of the recipe, or the file
            differs from the network by more than `PARITY_LIMITS`.
    """
    weights = run.load_weights(recipe)
    model = recipe.build()
    model.load_state_dict(weights.model)
    if recipe.half:
        _round_to_half(model)
    network = _Exported(model).eval()
    proto = _to_onnx(network, weights.crops[:3])
    if recipe.half:
        _store_in_half(proto)
    spec = _spec(recipe, weights, network)
    helper.set_model_props(proto, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(proto)

    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{recipe.name}.onnx"
    part = path.with_suffix(".part")
    onnx.save(proto, part)
    try:
        differences = parity(part, network, weights.crops.numpy())
        for what, difference, limit in zip(OUTPUT_NAMES, differences, PARITY_LIMITS, strict=True):
            if not difference < limit:
                raise RunError(
                    f"the {what} of the exported {recipe.name} differ from the trained network's by "
                    f"{difference:.1e}, more than {limit:.0e}: nothing was written"
                )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path, differences[0]


@torch.inference_mode()
def parity(path: Path, network: nn.Module, crops: NDArray[np.uint8]) -> list[float]:
    """Largest differences between an exported file and its network, in batches of 1 and 3.

    Args:
        path: the .onnx file.
        network: gives (points, scores) for uint8 crops.
        crops: (n, H, W, 3) real crops, n of at least 3.

    Returns:
        the largest difference of the points, in the unit frame, and of the scores.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = [0.0] * len(OUTPUT_NAMES)
    for batch in (crops[:1], crops[:3], crops[-3:]):
        got = session.run(list(OUTPUT_NAMES), {INPUT_NAME: batch})
        for i, (ours, theirs) in enumerate(zip(got, network(torch.from_numpy(batch)), strict=True)):
            if ours.shape != tuple(theirs.shape):
                raise RunError(f"the exported file puts out {ours.shape}, the network {tuple(theirs.shape)}")
            worst[i] = max(worst[i], float(np.abs(ours - theirs.numpy()).max()))
    return worst


def _to_onnx(network: nn.Module, example: Tensor) -> onnx.ModelProto:
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            network, (example,), dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
            input_names=[INPUT_NAME], output_names=list(OUTPUT_NAMES), dynamic_shapes=({0: batch},),
        )  # fmt: skip
    assert program is not None
    return program.model_proto


def _round_to_half(model: nn.Module) -> None:
    """Makes every large weight one that half precision can hold, so that storing it so is exact."""
    for value in model.state_dict().values():
        if value.is_floating_point() and value.numel() >= _HALF_FROM:
            value.copy_(value.half().float())


def _store_in_half(proto: onnx.ModelProto) -> None:
    """Stores large weights in half precision, cast back when the file is loaded.

    ONNX Runtime folds the casts into constants, so the file halves and the speed stays.
    """
    casts = []
    for tensor in proto.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _HALF_FROM:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)


def _spec(recipe: Recipe, weights: Weights, network: nn.Module) -> ModelSpec:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(weights.crops[:1])
    libraries = ("torch", "onnx", "onnxruntime", "numpy")
    return ModelSpec(
        name=recipe.name,
        scheme=recipe.scheme,
        input_size=recipe.input_size,
        margin=recipe.margin,
        summary=recipe.summary,
        source=recipe.source,
        training_data=weights.training_data,
        parameters=sum(p.numel() for p in network.parameters()),
        multiply_adds=counter.get_total_flops() // 2,
        validation=Validation(
            dataset=recipe.validation,
            metric=f"NME %, {get_scheme(recipe.scheme).normaliser}, epoch {weights.epoch}",
            value=round(weights.validation_nme, 4),
        ),
        licence=LICENCE,
        created=datetime.date.today().isoformat(),
        versions={name: importlib.metadata.version(name) for name in libraries},
        revision=_revision(),
    )


def _revision() -> str:
    """The code's git revision, marked where it has changes that are not committed."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
