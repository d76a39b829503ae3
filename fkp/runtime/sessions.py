"""ModelSession: one exported file on ONNX Runtime, with its description and the providers that run it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from fkp.errors import ModelError, SpecError, UsageError
from fkp.schemes import get_scheme
from fkp.spec import DETECTOR_OUTPUT_NAMES, INPUT_NAME, METADATA_KEY, OUTPUT_NAMES, VISIBLE_NAME, ModelSpec

# Short name of a provider -> ONNX Runtime's name; the fastest first.
PROVIDERS: Mapping[str, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
# Compiles an engine for minutes at its first start, so it is used only on request.
_ON_REQUEST = ("tensorrt",)
_BATCH = 32
_ROUNDING = 1e-5  # that a score may exceed 1 by


class Outputs(NamedTuple):
    """What a model predicts for N faces.

    Attributes:
        points: (N, K, 2) float32, in the unit frame from a session, in the image frame from a `Landmarker`.
        scores: (N, K) float32 in [0, 1].
        visible: (N, K) float32, the probability that a point can be seen; None where there is no such output.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    visible: NDArray[np.float32] | None

    def take(self, faces: NDArray) -> Outputs:
        """Return the outputs of some faces, by their indices or by a mask (N,)."""
        visible = None if self.visible is None else self.visible[faces]
        return Outputs(self.points[faces], self.scores[faces], visible)

    def join(self, other: Outputs) -> Outputs:
        """Return the outputs of these faces, then of the other ones of the same model."""
        both = zip(self, other, strict=True)
        return Outputs(*(None if a is None or b is None else np.concatenate([a, b]) for a, b in both))  # type: ignore[arg-type]


class ModelSession:
    """An exported model, checked and ready to run.

    Attributes:
        spec: the file's description of itself.
        providers: ONNX Runtime's names of the providers that really run, the first one first choice.
    """

    spec: ModelSpec
    providers: tuple[str, ...]

    def __init__(
        self,
        path: str | Path,
        providers: str | Sequence[str] | None = None,
        threads: int | None = None,
        sha256: str | None = None,
    ) -> None:
        """Load a model file.

        Args:
            path: the .onnx file.
            providers: names as in `available_providers()`, in order of preference; None for the
                best one that is installed.
            threads: threads of one run on the CPU; None leaves it to ONNX Runtime.
            sha256: the hash that the file must have, None for no check.

        Raises:
            ModelError: the file is missing, damaged, no export of this project, or not the one of `sha256`.
            UsageError: a provider is not installed, or `threads` is below 1.
        """
        self.path = Path(path)
        wanted = provider_names(providers)
        self._session = load_session(self.path, wanted, threads, sha256)
        self.providers = tuple(self._session.get_providers())
        if self.providers[0] != wanted[0]:
            warnings.warn(
                f"{wanted[0]} could not be started for {self.path.name}; {self.providers[0]} runs instead",
                RuntimeWarning,
                stacklevel=2,
            )
        self.spec = self._read_spec()
        self._points = get_scheme(self.spec.scheme).num_points
        self._check_signature()

    def run(self, crops: NDArray[np.uint8]) -> Outputs:
        """Run the model on face crops.

        Args:
            crops: (N, H, W, 3) uint8, RGB, of the spec's input size; N may be 0.

        Raises:
            ModelError: an output has the wrong shape, holds NaN or infinities, or is a score or a probability
                outside [0, 1].
        """
        count = len(crops)
        shape = (count, self._points)
        targets = {name: np.empty(shape, np.float32) for name in self._outputs}
        targets["points"] = np.empty((*shape, 2), np.float32)
        for start in range(0, count, _BATCH):
            part = slice(start, start + _BATCH)
            batch = np.ascontiguousarray(crops[part])
            try:
                outputs = self._session.run(list(targets), {INPUT_NAME: batch})
            except Exception as error:  # as in `load_session`
                raise self._error(f"failed on crops of shape {batch.shape}: {_first_line(error)}") from error
            for (name, target), output in zip(targets.items(), outputs, strict=True):
                if output.shape != target[part].shape:
                    raise self._error(f"gave {name} of shape {output.shape}, not {target[part].shape}")
                if not np.isfinite(output).all():
                    raise self._error(f"gave {name} that are not finite numbers")
                if (
                    name != "points"
                    and output.size
                    and not 0 <= output.min() <= output.max() <= 1 + _ROUNDING
                ):
                    raise self._error(f"gave {name} outside [0, 1]")
                target[part] = output
        return Outputs(targets["points"], targets["scores"], targets.get(VISIBLE_NAME))

    def _read_spec(self) -> ModelSpec:
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if {output.name for output in self._session.get_outputs()} == set(DETECTOR_OUTPUT_NAMES):
            raise self._error("is a face detector: it finds faces, not landmarks")
        if text is None:
            raise self._error(
                "does not describe itself: it was not exported by `python -m fkp export`; docs/benchmark.md "
                "says how to give another model a description"
            )
        try:
            return ModelSpec.from_json(text)
        except SpecError as error:
            raise self._error(f"cannot be used: {error}") from error

    def _check_signature(self) -> None:
        inputs = {i.name: (i.type, i.shape) for i in self._session.get_inputs()}
        outputs = {o.name: (o.type, o.shape) for o in self._session.get_outputs()}
        expected = [*self.spec.input_size, 3]
        kind, shape = inputs.get(INPUT_NAME, ("", []))
        if len(inputs) != 1 or kind != "tensor(uint8)" or shape[1:] != expected:
            raise self._error(f"must take one input {INPUT_NAME!r}, uint8, of shape {['N', *expected]}")
        if any(outputs.get(name, ("",))[0] != "tensor(float)" for name in OUTPUT_NAMES):
            raise self._error(f"must have the float32 outputs {' and '.join(OUTPUT_NAMES)}")
        if outputs.get(VISIBLE_NAME, ("tensor(float)",))[0] != "tensor(float)":
            raise self._error(f"must give its output {VISIBLE_NAME} as float32")
        self._outputs = [*OUTPUT_NAMES, *({VISIBLE_NAME} & outputs.keys())]

    def _error(self, problem: str) -> ModelError:
        return ModelError(f"the model {self.path} {problem}")


def available_providers() -> tuple[str, ...]:
    """Return the short names of the installed providers, the fastest first."""
    installed = ort.get_available_providers()
    return tuple(name for name, full_name in PROVIDERS.items() if full_name in installed)


def short_name(provider: str) -> str:
    """Return the short name of one of ONNX Runtime's providers."""
    return {full: short for short, full in PROVIDERS.items()}.get(provider, provider)


def provider_names(providers: str | Sequence[str] | None) -> list[str]:
    """Return ONNX Runtime's names of the wanted providers, with the CPU as the last resort.

    Raises:
        UsageError: a provider is unknown or not installed.
    """
    available = available_providers()
    if providers is None:
        wanted: Sequence[str] = [name for name in available if name not in _ON_REQUEST][:1]
    else:
        wanted = [providers] if isinstance(providers, str) else list(providers)
    full_names = []
    for name in wanted:
        short = name.lower()
        if short not in available:
            kind = "is not installed here" if short in PROVIDERS else "is unknown"
            raise UsageError(f"the provider {name!r} {kind}; there are: {', '.join(available)}")
        full_names.append(PROVIDERS[short])
    return list(dict.fromkeys([*full_names, PROVIDERS["cpu"]]))


def load_session(
    path: Path, providers: list[str], threads: int | None, sha256: str | None = None
) -> ort.InferenceSession:
    """Open an ONNX Runtime session of a file.

    Args:
        path: the .onnx file.
        providers: ONNX Runtime's names, in order of preference.
        threads: threads of one run; None leaves it to ONNX Runtime.
        sha256: the hash that the file must have, None for no check.

    Raises:
        ModelError: the file is missing, damaged, or not the one of `sha256`.
        UsageError: `threads` is below 1.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only: `ModelSession` warns about a provider's fallback itself
    # Threads that spin while they wait block the cores for the next model. Without spinning, a detector
    # followed by a landmark model, on two cores each, take less than half of the time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        if threads < 1:
            raise UsageError(f"threads must be 1 or more, not {threads}")
        options.intra_op_num_threads = threads
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror or error}") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"the model {path} is not the file that index.json describes: its SHA-256 differs")
    try:
        return ort.InferenceSession(content, options, _with_threads(providers, threads))
    except Exception as error:  # ONNX Runtime's errors have no base class of their own
        raise ModelError(f"the model {path} is damaged or no ONNX file: {_first_line(error)}") from error


def _with_threads(providers: list[str], threads: int | None) -> list[str | tuple[str, dict[str, str]]]:
    """Return the providers, and the number of threads for the one that ignores the session's."""
    if threads is None:
        return [*providers]
    own = {PROVIDERS["openvino"]: {"num_of_threads": str(threads)}}
    return [(name, own[name]) if name in own else name for name in providers]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
