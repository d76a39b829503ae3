"""Model files and their index: what is accepted, and how the rest is refused."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import pytest
from onnx_models import make_spec, mean_shape, save_bright_dot_model, save_constant_model

from fkp.errors import ModelError, UsageError
from fkp.runtime.sessions import ModelSession, available_providers, load_session, provider_names
from fkp.schemes import SCHEMES
from fkp.spec import METADATA_KEY


def crops(count: int, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *size, 3), dtype=np.uint8)


def edit(path, change) -> None:
    """Change a model file through its protobuf."""
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_runs_every_scheme(tmp_path, scheme):
    spec = make_spec(scheme=scheme, size=(48, 64))
    session = ModelSession(save_constant_model(tmp_path, spec))
    points, scores, visible = session.run(crops(2, (48, 64)))
    assert visible is None
    assert session.spec == spec
    np.testing.assert_allclose(points, np.stack([mean_shape(scheme)] * 2), atol=1e-6)
    assert points.dtype == scores.dtype == np.float32
    assert (scores == 1).all()


@pytest.mark.parametrize("count", [0, 1, 3, 32, 33, 70])
def test_batches_of_any_length_agree_with_single_crops(tmp_path, count):
    session = ModelSession(save_bright_dot_model(tmp_path))
    batch = crops(count)
    points, scores, _ = session.run(batch)
    assert points.shape == (count, 1, 2)
    assert scores.shape == (count, 1)
    for crop, expected in zip(batch, points, strict=True):
        np.testing.assert_allclose(session.run(crop[None])[0][0], expected, atol=1e-6)


def test_says_what_runs_it(tmp_path):
    session = ModelSession(save_constant_model(tmp_path), providers="CPU", threads=1)
    assert session.providers == ("CPUExecutionProvider",)
    assert available_providers()[-1] == "cpu"


def test_unknown_provider_lists_those_there_are(tmp_path):
    path = save_constant_model(tmp_path)
    with pytest.raises(UsageError, match=r"'abacus' is unknown; there are: .*cpu"):
        ModelSession(path, providers="abacus")
    absent = next(name for name in ("coreml", "directml") if name not in available_providers())
    with pytest.raises(UsageError, match=f"'{absent}' is not installed here; there are: .*cpu"):
        ModelSession(path, providers=["cpu", absent])


@pytest.mark.parametrize("asked", ["cuda", None])
def test_silent_fallback_is_said(tmp_path, monkeypatch, asked):
    installed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: installed)
    path = save_constant_model(tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session = ModelSession(path, providers=asked)
    assert session.providers == ("CPUExecutionProvider",)
    said = "CUDAExecutionProvider could not be started for tiny.onnx; CPUExecutionProvider runs instead"
    assert said in [str(warning.message) for warning in caught]


def test_slow_starting_provider_only_on_request(monkeypatch):
    installed = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: installed)
    assert provider_names(None) == installed[1:]
    assert provider_names("tensorrt") == [installed[0], installed[2]]


def test_threads_must_be_positive(tmp_path):
    with pytest.raises(UsageError, match="threads must be 1 or more, not 0"):
        ModelSession(save_constant_model(tmp_path), threads=0)


def test_missing_file(tmp_path):
    with pytest.raises(ModelError, match=r"absent\.onnx cannot be read: No such file"):
        ModelSession(tmp_path / "absent.onnx")


@pytest.mark.parametrize("content", [b"", b"this is no model", None])
def test_damaged_file(tmp_path, content):
    path = save_constant_model(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ModelError, match=r"tiny\.onnx is damaged or no ONNX file|does not describe itself"):
        ModelSession(path)


def test_model_without_description(tmp_path):
    path = save_constant_model(tmp_path)
    edit(path, lambda model: model.ClearField("metadata_props"))
    with pytest.raises(ModelError, match="does not describe itself"):
        ModelSession(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "tiny"}'])
def test_model_with_unreadable_description(tmp_path, text):
    path = save_constant_model(tmp_path)
    edit(path, lambda model: onnx.helper.set_model_props(model, {METADATA_KEY: text}))
    with pytest.raises(ModelError, match=r"tiny\.onnx cannot be used: its description"):
        ModelSession(path)


def test_model_of_unknown_scheme(tmp_path):
    path = save_constant_model(tmp_path)
    text = make_spec().to_json().replace("ibug68", "wflw98")
    edit(path, lambda model: onnx.helper.set_model_props(model, {METADATA_KEY: text}))
    with pytest.raises(ModelError, match="unknown landmark scheme 'wflw98'"):
        ModelSession(path)


def test_model_of_another_input_size_than_it_says(tmp_path):
    path = save_constant_model(tmp_path)
    text = make_spec(size=(32, 32)).to_json()
    edit(path, lambda model: onnx.helper.set_model_props(model, {METADATA_KEY: text}))
    with pytest.raises(ModelError, match=r"must take one input 'image', uint8, of shape \['N', 32, 32, 3\]"):
        ModelSession(path)


def test_model_without_scores(tmp_path):
    path = save_constant_model(tmp_path)
    edit(path, lambda model: model.graph.output.pop())
    with pytest.raises(ModelError, match="must have the float32 outputs points and scores"):
        ModelSession(path)


def test_wrong_number_of_points(tmp_path):
    session = ModelSession(save_constant_model(tmp_path, points=np.zeros((5, 2))))
    with pytest.raises(ModelError, match=r"gave points of shape \(2, 5, 2\), not \(2, 68, 2\)"):
        session.run(crops(2))


@pytest.mark.parametrize("bad", [-0.1, 1.1])
def test_scores_outside_their_range_are_refused(tmp_path, bad):
    path = save_constant_model(tmp_path, make_spec(), scores=np.full(68, bad))
    with pytest.raises(ModelError, match=r"gave scores outside \[0, 1\]"):
        ModelSession(path, "cpu").run(crops(1))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_never_pass(tmp_path, bad):
    points = mean_shape("ibug68")
    points[7, 1] = bad
    with pytest.raises(ModelError, match="points that are not finite"):
        ModelSession(save_constant_model(tmp_path, points=points)).run(crops(1))
    scores = np.where(np.arange(68) == 3, bad, 1)
    with pytest.raises(ModelError, match="scores that are not finite"):
        ModelSession(save_constant_model(tmp_path, scores=scores)).run(crops(1))


def test_crops_of_the_wrong_size(tmp_path):
    session = ModelSession(save_constant_model(tmp_path))
    with pytest.raises(ModelError, match=r"failed on crops of shape \(1, 32, 32, 3\)"):
        session.run(crops(1, (32, 32)))


def test_openvino_gets_its_number_of_threads(tmp_path, monkeypatch):
    installed = ["OpenVINOExecutionProvider", "CPUExecutionProvider"]
    asked = []
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: installed)
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *words: asked.append(words[2]))
    path = save_constant_model(tmp_path)
    for threads in (None, 1):
        load_session(path, provider_names("openvino"), threads)
    assert asked == [installed, [(installed[0], {"num_of_threads": "1"}), installed[1]]]


def test_threads_that_wait_leave_the_cores_to_the_next_model(tmp_path):
    session = load_session(save_constant_model(tmp_path), provider_names("cpu"), 2)
    options = session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
