"""The task that measures errors at any head turn."""

import numpy as np
import pytest
from fake_data import make_face

from bench.tasks.large_pose import figures, stack
from fkp.datasets import Sample
from fkp.datasets.conventions import style_offsets
from fkp.geometry import annotated_box
from fkp.runtime.sessions import Outputs


@pytest.fixture
def faces(rng, tmp_path):
    """Two frontal faces and one that hides the right half of its jaw."""
    samples = []
    for pose in ("frontal", "frontal", "right"):
        points = make_face(rng)[1]
        state = np.zeros(68, np.int8)
        state[20] = 1
        if pose == "right":
            points[:8], state[:8] = np.nan, 2
        box = annotated_box(points)
        samples.append(Sample(tmp_path, pose, box, points, "ibug68", None, pose, state, pose))
    return samples


def test_offsets_of_style_are_taken_out(faces):
    truth = np.stack([np.nan_to_num(face.points, nan=30) for face in faces])
    size = np.array([np.sqrt(np.prod(face.box[2:] - face.box[:2])) for face in faces])
    points = truth.astype(np.float64)
    points[:, 17] += 0.1 * size[:, None]  # the model's style: one point further out
    predictions = Outputs(points, np.ones((3, 68)), None)
    offsets = style_offsets(stack(faces), points, np.stack([face.box for face in faces]))
    rows = {row.pose: row for row in figures(predictions, faces, offsets)}
    assert list(rows) == ["all", "frontal", "profile"]
    assert [rows[pose].faces for pose in rows] == [3, 2, 1]
    assert rows["frontal"].nme == pytest.approx(100 * 0.1 * np.sqrt(2) / 68)
    assert rows["profile"].nme == pytest.approx(100 * 0.1 * np.sqrt(2) / 60)
    assert max(row.nme_same_style for row in rows.values()) < 0.02
    assert all(row.auc_hidden is None for row in rows.values())


def test_visibility_is_measured_where_a_model_gives_it(faces):
    visible = np.stack(
        [np.where(face.state == 0, 0.9, np.where(face.state == 1, 0.95, 0.1)) for face in faces]
    )
    truth = np.stack([np.nan_to_num(face.points, nan=30) for face in faces])
    (everything, *_) = figures(Outputs(truth, np.ones((3, 68)), visible), faces, np.zeros((68, 2)))
    assert (everything.auc_hidden, everything.auc_covered) == (1, 0)
    assert everything.calibration_error == pytest.approx(0.1, abs=0.02)
