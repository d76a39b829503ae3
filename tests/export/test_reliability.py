"""The limit from which landmarks are trusted, chosen and written."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx_models import make_spec, mean_shape, save_constant_model
from PIL import Image

from fkp.datasets import Sample
from fkp.errors import ModelError
from fkp.export.reliability import Scores, choose, collect, write_limit
from fkp.geometry import points_box
from fkp.runtime.landmarker import Landmarker


class KnowsUpright:
    """Is right and sure on pictures that are brighter at the top, and wrong and unsure on others."""

    def __init__(self, points: np.ndarray) -> None:
        self.spec, self._points = make_spec(), points

    def __call__(self, image):
        upright = image[0, 0, 0] > image[-1, 0, 0] and image[0, -1, 0] > image[-1, -1, 0]
        points = self._points if upright else self._points + 60
        return [SimpleNamespace(points=points, scores=np.full(68, 0.9 if upright else 0.2))]

    def analyze(self, image, boxes):
        return SimpleNamespace(faces=[SimpleNamespace(scores=np.full(68, 0.1)) for _ in boxes])


def test_scores_are_sorted_by_whether_the_points_are_right(tmp_path):
    rows = np.linspace(255, 0, 200).astype(np.uint8)
    Image.fromarray(np.repeat(np.repeat(rows[:, None], 200, 1)[..., None], 3, 2)).save(tmp_path / "a.png")
    points = mean_shape("ibug68") * 100 + 50
    sample = Sample(tmp_path / "a.png", "a", points_box(points), points, "ibug68", None, "a")
    scores = collect(KnowsUpright(points), [sample])
    np.testing.assert_allclose(scores.right, 0.9)
    np.testing.assert_allclose(np.sort(scores.wrong), [0.1] * 4 + [0.2] * 3)
    assert choose(scores) == pytest.approx(0.2, abs=0.011)
    assert scores.rates(choose(scores))[0] == 0


def test_scores_that_say_nothing_are_refused():
    with pytest.raises(ModelError, match="do not tell right faces from wrong ones"):
        choose(Scores(np.full(10, 0.5), np.full(10, 0.6)))


def test_the_limit_is_written_and_the_graph_stays(tmp_path):
    path = save_constant_model(tmp_path, make_spec())
    before = onnx.load(path).graph.SerializeToString()
    write_limit(path, Landmarker(path), 0.37)
    assert onnx.load(path).graph.SerializeToString() == before
    assert Landmarker(path).spec == dataclasses.replace(make_spec(), reliable_score=0.37)
