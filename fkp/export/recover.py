"""Recovery: from an exported file back to a run that recipes can name as `initial` or `teacher`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from fkp.errors import RunError, SpecError
from fkp.export.quantize import SUFFIX
from fkp.spec import INPUT_NAME, METADATA_KEY, OUTPUT_NAMES, DetectorSpec, ModelSpec
from fkp.training.recipe import Recipe
from fkp.training.run import Run, Weights

T = TypeVar("T", ModelSpec, DetectorSpec)
_LIMIT = 1e-3  # largest difference of a point from the file's, in crop sides


def recover(recipe: Recipe, path: Path, crops: Iterable[NDArray[np.uint8]], run: Run) -> float:
    """Write the weights of an exported file as those of a run of its recipe.

    Args:
        recipe: of the network in the file, whatever the file is called.
        path: the file.
        crops: (H, W, 3) training crops, see `restore`; made only where the file can be recovered.
        run: where the weights go.

    Returns:
        the largest difference of the points from the file's, in crop sides.

    Raises:
        RunError: there is no such file, it is of another network or does not say for how many epochs that
            was trained, the run holds weights already, the recovered network predicts otherwise, or the
            recipe is of a visibility head.
    """
    if recipe.calibrated_on is not None:
        raise RunError(
            f"the head of {recipe.name} is not recovered; recover {recipe.initial}, the network below"
        )
    session, spec = open_exported(path, ModelSpec.from_json, run)
    validation = spec.validation
    if validation is None or validation.epoch is None:
        raise RunError(f"{path} does not say for how many epochs its network was trained")
    pictures = torch.from_numpy(np.stack(list(crops)))
    model = recipe.build()
    restore(model, "model", path, pictures)
    (points,) = session.run(OUTPUT_NAMES[:1], {INPUT_NAME: pictures.numpy()})
    with torch.inference_mode():
        difference = float(np.abs(points - model(pictures).points.numpy()).max())
    if not difference < _LIMIT:
        raise RunError(f"the network recovered from {path} differs from it by {difference:.1e} of the crop")
    run.folder.mkdir(parents=True, exist_ok=True)
    run.save_weights(
        Weights(
            recipe=recipe.to_dict(), model=model.state_dict(), training_data=dict(spec.training_data),
            validation=validation.value, epoch=validation.epoch, examples=pictures[:8],
            pretrained=spec.pretrained, final=True,
        )
    )  # fmt: skip
    return difference


def open_exported(path: Path, parse: Callable[[str], T], run: Run) -> tuple[onnxruntime.InferenceSession, T]:
    """An exported file that is to be recovered as `run`, as a session, with its description.

    Raises:
        RunError: there is no such file, its description is another one, it is one of integers, or the run
            holds weights already.
    """
    if run.weights.is_file():
        raise RunError(f"{run.weights} is there already: give another --runs folder")
    if not path.is_file():
        raise RunError(f"{path} is not there")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no base class of their own
        raise RunError(f"{path} is damaged or no ONNX file") from error
    try:
        spec = parse(session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, ""))
    except SpecError as error:
        raise RunError(f"{path} is not what is to be recovered: {error}") from error
    if spec.name.endswith(SUFFIX):
        source = f"{spec.name.removesuffix(SUFFIX)}.onnx"
        raise RunError(
            f"{path} is in integers and cannot be recovered: recover {source}, which it comes from"
        )
    return session, spec


def restore(model: nn.Module, name: str, path: Path, pictures: Tensor) -> None:
    """Fill a network with the weights of an exported file.

    Exporting folds each batch norm into the convolution before it; here every norm gets back the
    statistics of its input, so that the network computes what the file does and can be trained on.

    Args:
        model: of the kind that was exported.
        name: what the exported wrapper calls it.
        path: the file.
        pictures: (n, H, W, 3) uint8 training inputs, to measure these statistics on.

    Raises:
        RunError: the file is of another network.
    """
    _load(model, f"{name}.", _initializers(path), path)
    _unfold_norms(model, pictures)


def _initializers(path: Path) -> dict[str, NDArray]:
    """A file's weights by name, in full precision."""
    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    weights = {}
    for name, values in stored.items():
        if name.endswith("_int8"):
            name = name.removesuffix("_int8")
            weights[name] = values * stored[f"{name}_scale"]
        else:
            weights[name.removesuffix("_half")] = values
    return weights


def _load(model: nn.Module, prefix: str, weights: dict[str, NDArray], path: Path) -> None:
    """Copy a file's weights into convolutions and linear layers, and folded biases into the norms."""
    norms = {
        f"{name}.1": f"{name}.0"
        for name, module in model.named_modules()
        if isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d)
    }
    for name, parameter in model.named_parameters():
        module, _, kind = name.rpartition(".")
        if module in norms and kind == "weight":
            continue  # folded: `_unfold_norms` sets it
        source = f"{prefix}{norms[module]}.weight_bias" if module in norms else prefix + name
        values = weights.get(source)
        if values is None or values.shape != tuple(parameter.shape):
            raise RunError(f"{path} holds no {source} of {tuple(parameter.shape)}: it is of another network")
        parameter.data.copy_(torch.from_numpy(values.astype(np.float32)))


@torch.inference_mode()
def _unfold_norms(model: nn.Module, pictures: Tensor) -> None:
    """Give every batch norm its input's statistics, and the gain and bias that undo them."""

    def unfold(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)

    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    handles = [norm.register_forward_pre_hook(unfold) for norm in norms]
    model.eval()(pictures)
    for handle in handles:
        handle.remove()
