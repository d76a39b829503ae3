"""A network in 8-bit integers: it stays a file of the contract, and a bad one is not written."""

import numpy as np
import onnx
import pytest
from small_runs import MAPS, data, fit

from fkp.__main__ import main
from fkp.errors import QuantizationError
from fkp.export import quantize as quantizing
from fkp.export.onnx_export import export
from fkp.export.quantize import quantize
from fkp.inspection.feature_maps import Inside
from fkp.runtime.sessions import ModelSession
from fkp.training.crops import CropDataset, load_crops


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantize")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FKP_CACHE", str(folder / "cache"))
        run = fit(folder, MAPS)
        path, _ = export(MAPS, run, folder)
        training, validation = data(folder)
        parts = [load_crops(part, MAPS) for part in (training["spots"], validation)]
    return path, CropDataset(parts[0], MAPS, MAPS.augmentation), CropDataset(parts[1], MAPS)


def test_the_integer_file_describes_itself_and_agrees_with_its_source(files, monkeypatch):
    monkeypatch.setattr(quantizing, "WORST", 1.5)  # a net of three epochs is no subject for a fine limit
    target, before, after = quantize(*files)
    assert target.name == "spot-int8.onnx"
    session, source = (ModelSession(path, "cpu", 1) for path in (target, files[0]))
    assert session.spec.name == "spot-int8"
    assert session.spec.validation.value == pytest.approx(after, abs=1e-4)
    assert before == pytest.approx(quantizing.error_of(files[0], files[2]))
    crops = np.stack([files[2][0, i][0] for i in range(16)])
    assert np.abs(session.run(crops)[0] - source.run(crops)[0]).max() < 0.1
    kinds = [node.op_type for node in onnx.load(target).graph.node]
    assert kinds.count("QuantizeLinear") >= kinds.count("Conv") - 1 > 5
    assert "Cast" not in kinds  # the picture's bytes go to the first convolution as they are


def test_inside_the_integer_file_there_are_the_filters_and_maps_of_its_source(files, monkeypatch):
    monkeypatch.setattr(quantizing, "WORST", 1.5)
    target, _, _ = quantize(*files)
    integers, source = (Inside(path) for path in (target, files[0]))
    crop = np.asarray(files[2][0, 0][0])
    for gained, plain in (
        (integers.filters * 255, source.filters),  # pixels are bytes there, not shares of 255
        (integers.layers(crop)[0].maps, source.layers(crop)[0].maps),
    ):
        assert gained.shape == plain.shape
        assert np.abs(gained - plain).max() < 0.02 * np.abs(plain).max()
    assert integers.layers(crop)[0].title == source.layers(crop)[0].title


def test_a_file_that_is_much_worse_is_not_written(files, monkeypatch):
    monkeypatch.setattr(quantizing, "WORST", 0.0)
    before = sorted(path.name for path in files[0].parent.iterdir() if path.name != "spot-int8.onnx")
    (files[0].parent / "spot-int8.onnx").unlink(missing_ok=True)
    with pytest.raises(QuantizationError, match=r"spot would err by \d"):
        quantize(*files)
    assert sorted(path.name for path in files[0].parent.iterdir()) == before


def test_a_missing_file_is_named_before_there_is_data(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FKP_DATA", str(tmp_path / "nowhere"))
    for words, command in (
        (["quantize", "report000-nose"], "export report000-nose"),
        (["detector", "quantize"], "detector export"),
    ):
        assert main([*words, "--out", str(tmp_path)]) == 2
        assert f"first run `python -m fkp {command}`" in capsys.readouterr().err
