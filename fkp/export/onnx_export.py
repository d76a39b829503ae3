"""Export: from trained weights to the .onnx file that everything else runs on."""

from __future__ import annotations

import datetime
import importlib.metadata
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper
from torch import Tensor, nn

from fkp.errors import RunError
from fkp.export.weight_dtype import round_weights, store_weights
from fkp.models import KeypointModel, multiply_adds
from fkp.schemes import get_scheme
from fkp.spec import INPUT_NAME, METADATA_KEY, OUTPUT_NAMES, VISIBLE_NAME, ModelSpec, Validation
from fkp.training.recipe import Recipe, WeightDtype
from fkp.training.run import Run, Weights

OPSET = 18
# Largest differences from the trained network: of the points, in crop sides, and of the scores.
PARITY_LIMITS = (1e-4, 1e-3, 1e-3)
LICENSE = (
    "Weights trained on face data sets that are free for research and education only; "
    "not for commercial use. See the README."
)
_LIBRARIES = ("torch", "onnx", "onnxruntime", "numpy")


class _Exported(nn.Module):
    """The outputs of a landmark model: points, scores and, where it has them, visible."""

    def __init__(self, model: KeypointModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        points, scores, _, visible = self.model(image)
        scores = torch.ones_like(points[..., 0]) if scores is None else scores
        return (points, scores) if visible is None else (points, scores, visible)


def export(recipe: Recipe, run: Run, out: Path) -> tuple[Path, float]:
    """Write NAME.onnx, with its ModelSpec inside, once it agrees with the trained network.

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
    model = recipe.build()
    weights = run.load_into(model, recipe)
    round_weights(model, recipe.weight_dtype)
    network = _Exported(model).eval()
    examples = weights.examples
    with torch.inference_mode():
        says_visible = len(network(examples[:1])) == 3
    path = out / f"{recipe.name}.onnx"
    differences = write_onnx(
        path, network, _spec(recipe, weights, network).to_json(), recipe.weight_dtype,
        outputs=(*OUTPUT_NAMES, VISIBLE_NAME) if says_visible else OUTPUT_NAMES,
        batches=(examples[:1], examples[:3], examples[-3:]), limits=PARITY_LIMITS[: 2 + says_visible],
        dynamic={0: torch.export.Dim("batch", min=1)},
    )  # fmt: skip
    return path, differences[0]


def write_onnx(
    path: Path,
    network: nn.Module,
    description: str,
    weight_dtype: WeightDtype,
    outputs: Sequence[str],
    batches: Sequence[Tensor],
    limits: Sequence[float],
    dynamic: Mapping[int, Any],
) -> list[float]:
    """Write a network as an .onnx file, after ONNX Runtime's outputs were found to agree with its own.

    Args:
        path: the file; its folder is made if missing.
        network: in evaluation mode, its weights rounded to `weight_dtype`; uint8 pictures in, tensors out.
        description: JSON for the file's metadata.
        weight_dtype: of the stored weights, see `Recipe`.
        outputs: names of the network's outputs.
        batches: real inputs on which the two are compared; the last has the shape of the export.
        limits: largest difference allowed of each output.
        dynamic: dimension of the input -> what `torch.export` calls it.

    Returns:
        the largest difference of each output.

    Raises:
        RunError: a difference is above its limit; nothing is written then.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            network, (batches[-1],), dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
            input_names=[INPUT_NAME], output_names=list(outputs), dynamic_shapes=(dict(dynamic),),
        )  # fmt: skip
    assert program is not None
    proto = program.model_proto
    for node in proto.graph.node:
        del node.metadata_props[:]  # the exporter's own: traces of its stack, a tenth of a small file
    store_weights(proto, weight_dtype)
    helper.set_model_props(proto, {METADATA_KEY: description})
    onnx.checker.check_model(proto)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    onnx.save(proto, part)
    try:
        differences = parity(part, network, batches, outputs)
        for what, difference, limit in zip(outputs, differences, limits, strict=True):
            if not difference < limit:
                raise RunError(
                    f"the {what} of the exported {path.stem} differ from the trained network's by "
                    f"{difference:.1e}, more than {limit:.0e}: nothing was written"
                )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return differences


@torch.inference_mode()
def parity(path: Path, network: nn.Module, batches: Sequence[Tensor], outputs: Sequence[str]) -> list[float]:
    """Largest differences between an exported file's outputs and its network's, over some batches.

    Raises:
        RunError: an output has another shape.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = [0.0] * len(outputs)
    for batch in batches:
        got = session.run(list(outputs), {INPUT_NAME: batch.numpy()})
        for i, (ours, theirs) in enumerate(zip(got, network(batch), strict=True)):
            if ours.shape != tuple(theirs.shape):
                raise RunError(f"the exported file puts out {ours.shape}, the network {tuple(theirs.shape)}")
            worst[i] = max(worst[i], float(np.abs(ours - theirs.numpy()).max()))
    return worst


def _spec(recipe: Recipe, weights: Weights, network: nn.Module) -> ModelSpec:
    return ModelSpec(
        name=recipe.name,
        scheme=recipe.scheme,
        input_size=recipe.input_size,
        margin=recipe.margin,
        summary=recipe.summary,
        source=recipe.source,
        series=recipe.series,
        training_data=weights.training_data,
        pretrained=weights.pretrained,
        parameters=sum(p.numel() for p in network.parameters()),
        multiply_adds=multiply_adds(network, weights.examples[:1]),
        validation=Validation(
            dataset=recipe.validation,
            metric=f"NME %, {get_scheme(recipe.scheme).normalizer}",
            value=round(weights.validation, 4),
            epoch=weights.epoch,
        ),
        **provenance(),
    )


def provenance() -> dict[str, Any]:
    """When, with what libraries and from which git revision a file is written; the revision is marked
    where the code has changes that are not committed."""
    return {
        "license": LICENSE,
        "created": datetime.date.today().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "revision": _revision(),
    }


def _revision() -> str:
    def git(*words: str) -> str:
        package = Path(__file__).parents[1]
        done = subprocess.run(["git", *words], cwd=package, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        # Only the package counts: another file that was exported before this one changes nothing.
        changed = git("status", "--porcelain", "--", ".")
        return git("describe", "--always", "--abbrev=12") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
