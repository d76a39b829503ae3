"""The face detector: its scenes, targets, loss, training and exported file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from fake_data import cartoon, draw_face
from PIL import Image

from fkp.datasets import Sample, load
from fkp.datasets.pseudo_labels import PseudoLabel, append_label, read_labels, resume_labels
from fkp.errors import DataError, ModelError, QuantizationError, RunError
from fkp.export import detector_cli as cli
from fkp.export import detector_quantize as quantizing
from fkp.export.detector_export import export_detector
from fkp.export.detector_quantize import quantize_detector
from fkp.export.detector_recover import recover_detector
from fkp.export.quantize import read_description
from fkp.geometry import box_iou, points_box
from fkp.models.detector import STRIDES, FaceCells, FaceDetector, cell_centers
from fkp.runtime.detectors import FkpDetector
from fkp.schemes import IBUG68
from fkp.spec import DetectorSpec
from fkp.training.config import TrainingConfig
from fkp.training.detection import trainer as detection_loop
from fkp.training.detection.evaluate import evaluate
from fkp.training.detection.loss import assign, detection_loss
from fkp.training.detection.recipe import DetectorRecipe
from fkp.training.detection.scenes import face_free_parts, random_scene
from fkp.training.detection.sources import Picture, Pictures, load_pictures
from fkp.training.detection.trainer import DetectorTrainer, SceneDataset
from fkp.training.run import Run

SIDE = 128
SMALL = DetectorRecipe(
    name="small", summary="", source="", validation="none", side=SIDE,
    config=TrainingConfig(epochs=1, samples_per_epoch=4, batch_size=2),
)  # fmt: skip


def picture(sure: bool = True) -> Picture:
    points = cartoon(IBUG68) * 80 + [100, 60]
    return Picture(draw_face(points, IBUG68, (240, 320)), [points], np.array([sure]))


PICTURES = Pictures([picture()], [], [])


def test_a_scene_shows_its_faces_where_it_says(rng):
    blank = Picture(np.zeros((240, 320, 3), np.uint8), picture().faces, np.array([True]))
    x0, y0, x1, y1 = points_box(blank.faces[0]).astype(int)
    blank.image[y0:y1, x0:x1] = 255
    shares = []
    for _ in range(60):
        scene = random_scene(rng, [blank], [np.zeros((30, 30, 3), np.uint8)], SMALL)
        assert scene.image.shape == (SIDE, SIDE, 3)
        for box in scene.boxes:
            x0, y0, x1, y1 = box.clip(0, SIDE).round().astype(int)
            inside = scene.image[y0:y1, x0:x1].mean()
            shares.append(inside > scene.image.mean())
    assert len(shares) > 40
    assert np.mean(shares) > 0.9


def test_doubtful_faces_are_looked_away_from(rng):
    scenes = [
        random_scene(rng, [picture(sure=False)], [np.zeros((30, 30, 3), np.uint8)], SMALL) for _ in range(20)
    ]
    assert not any(len(scene.boxes) for scene in scenes)
    assert any(len(scene.ignored) for scene in scenes)


def test_face_free_parts_touch_no_face(rng):
    marked = Picture(np.zeros((240, 320, 3), np.uint8), picture().faces, np.array([False]))
    x0, y0, x1, y1 = points_box(marked.faces[0]).astype(int)
    marked.image[y0:y1, x0:x1] = 255
    parts = face_free_parts(rng, [marked] * 10)
    assert parts
    assert not any(part.any() for part in parts)


@pytest.mark.parametrize("size", [12, 30, 60, 120])
def test_some_cell_predicts_a_face_of_any_size(size):
    box = np.array([20.0, 30, 20 + 0.8 * size, 30 + size])
    boxes, kinds = assign(box[None], np.empty((0, 4)), 256)
    assert (kinds == 1).any()
    np.testing.assert_allclose(boxes[kinds == 1], np.tile(box, ((kinds == 1).sum(), 1)))
    centers = np.concatenate([cell_centers(256 // s, 256 // s, s).numpy() for s in STRIDES])
    assert (np.abs(centers[kinds == 1] - (box[:2] + box[2:]) / 2) < size).all()


def test_cells_in_a_doubtful_box_are_not_asked():
    _, kinds = assign(np.empty((0, 4)), np.array([[40.0, 40, 90, 90]]), SIDE)
    assert set(kinds.tolist()) == {0, -1}


def test_loss_is_least_for_the_right_prediction(rng):
    wanted, kinds = (
        torch.from_numpy(a)[None] for a in assign(np.array([[30.0, 30, 70, 80]]), np.empty((0, 4)), SIDE)
    )
    sure = torch.where(kinds == 1, 9.0, -9.0)
    right = detection_loss(FaceCells(wanted, sure), wanted, kinds)
    shifted = detection_loss(FaceCells(wanted + 8, sure), wanted, kinds)
    silent = detection_loss(FaceCells(wanted, torch.full_like(sure, -9)), wanted, kinds)
    assert right < 0.02 < shifted
    assert silent > 10 * right


def test_boxes_are_in_pixels_of_the_picture():
    network = FaceDetector().eval()
    for head in network.heads:
        torch.nn.init.zeros_(head[-1].weight)
        torch.nn.init.zeros_(head[-1].bias)
    boxes, logits = network(torch.zeros(1, 64, 128, 3, dtype=torch.uint8))
    assert logits.shape == (1, sum(64 // s * (128 // s) for s in STRIDES))
    np.testing.assert_allclose(boxes[0, 0].detach(), [-4.5, -4.5, 11.5, 11.5])  # one stride to every side
    np.testing.assert_allclose(boxes[0, 1].detach(), [3.5, -4.5, 19.5, 11.5])


def sample(folder: Path) -> Sample:
    face = picture()
    Image.fromarray(face.image).save(folder / "face.png")
    box = points_box(face.faces[0])
    return Sample(folder / "face.png", "face.png", box, face.faces[0], IBUG68.name, None, "face")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return DetectorTrainer(SMALL, folder / SMALL.name).fit(PICTURES, [sample(folder)])


def test_training_resumes_and_refuses_another_recipe(trained):
    more = SMALL.replace(epochs=2)
    with pytest.raises(RunError, match="epochs"):
        DetectorTrainer(more, trained.folder).prepare(PICTURES, [])
    again = DetectorTrainer(SMALL, trained.folder)
    again.prepare(PICTURES, [])
    assert again.finished


def test_negatives_are_trained_on_where_the_recipe_says_so(tmp_path):
    recipe = SMALL.replace(negatives=True)
    with pytest.raises(RunError, match="small needs negatives: see `python -m fkp data negatives"):
        DetectorTrainer(recipe, tmp_path).prepare(PICTURES, [])
    wall = Picture(np.zeros((240, 320, 3), np.uint8), [], np.zeros(0, bool))
    more = PICTURES._replace(negatives=[wall, wall])
    for one, pictures in ((recipe, 3), (SMALL, 1)):
        trainer = DetectorTrainer(one, tmp_path)
        trainer.prepare(more, [])
        assert trainer.training_data == {"pictures": pictures, "faces": 1}


def test_finished_stages_are_passed_over(trained, tmp_path, monkeypatch):
    last = SMALL.replace(name="last", initial=SMALL.name)
    monkeypatch.setattr(cli, "STAGES", (SMALL, last))
    assert cli.stages_left(tmp_path) == (SMALL, last)
    assert cli.stages_left(trained.folder.parent) == (last,)


def test_a_missing_stage_is_named_before_scenes_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(detection_loop, "SceneDataset", None)
    with pytest.raises(RunError, match="first run `python -m fkp detector train`"):
        DetectorTrainer(SMALL.replace(initial="nowhere"), tmp_path / "last").prepare(PICTURES, [])


def test_a_recovered_last_stage_is_not_trained_over(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "STAGES", (SMALL,))
    run = Run(tmp_path / SMALL.name)
    run.folder.mkdir()
    run.save_weights(dataclasses.replace(trained.load_weights(SMALL), final=True))
    with pytest.raises(RunError, match=r"was recovered from a file.* --restart"):
        cli.stages_left(tmp_path)


def test_a_recovered_detector_predicts_as_its_file_and_is_trained_on(trained, tmp_path):
    path = export_detector(SMALL, trained, tmp_path)
    scenes = SceneDataset(PICTURES.people, SMALL)
    shown = [scenes[i, i][0] for i in range(8)]
    run = Run(tmp_path / SMALL.name)
    assert recover_detector(SMALL, path, shown, run) < 1e-4
    assert run.load_weights(SMALL).validation == trained.load_weights(SMALL).validation
    last = SMALL.replace(name="last", initial=SMALL.name)
    assert DetectorTrainer(last, tmp_path / "last").fit(PICTURES, [sample(tmp_path)]).weights.is_file()


def test_the_integer_file_finds_the_same_or_is_not_written(trained, tmp_path, monkeypatch):
    path = export_detector(SMALL, trained, tmp_path)
    scenes, faces = SceneDataset(PICTURES.people, SMALL), [sample(tmp_path)]
    target, before, after = quantize_detector(path, scenes, faces, [])
    assert target == tmp_path / "small-int8.onnx"
    assert before.keys() == after.keys()
    assert DetectorSpec.from_json(read_description(target)).name == "small-int8"
    image = scenes[0, 0][0]
    plain, integers = (FkpDetector(file, threads=1) for file in (path, target))
    scores, others = (d._session.run(["scores"], {"image": image[None]})[0] for d in (plain, integers))
    assert np.abs(scores - others).max() < 0.05
    wide = np.zeros((1, SIDE, 1024, 3), np.uint8)  # far wider than what the integers were calibrated on
    boxes, others = (d._session.run(["boxes"], {"image": wide})[0] for d in (plain, integers))
    assert np.abs(boxes - others).max() < 4
    target.unlink()
    monkeypatch.setattr(quantizing, "_WORST", -1.0)
    with pytest.raises(QuantizationError, match="small would have a recall of"):
        quantize_detector(path, scenes, faces, [])
    assert not target.exists()


def test_exported_file_agrees_and_takes_any_size(trained, tmp_path):
    path = export_detector(SMALL, trained, tmp_path)
    session = onnxruntime.InferenceSession(path)
    for height, width in ((32, 32), (96, 160), (128, 320)):
        boxes, scores = session.run(["boxes", "scores"], {"image": np.zeros((1, height, width, 3), np.uint8)})
        assert boxes.shape == (*scores.shape, 4)
        assert scores.shape == (1, sum(-(-height // s) * -(-width // s) for s in STRIDES))
    found = FkpDetector(path).detect(np.zeros((100, 1000, 3), np.uint8))
    assert found.boxes.shape == (len(found.scores), 4)


def test_exporting_needs_a_run(tmp_path):
    with pytest.raises(RunError, match="first run `python -m fkp detector train`"):
        export_detector(SMALL, Run(tmp_path), tmp_path)


def test_another_model_is_no_detector(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="damaged"):
        FkpDetector(tmp_path / "x.onnx")


def test_evaluation_counts_what_is_found(tmp_path):
    face = sample(tmp_path)
    x0, y0, x1, y1 = np.asarray(face.box).astype(int)
    image = np.zeros((240, 320, 3), np.uint8)
    image[y0:y1, x0:x1] = 255
    Image.fromarray(image).save(face.image)

    class Knows(torch.nn.Module):
        """Finds what is white, and something else far from it."""

        def forward(self, image):
            ys, xs = torch.nonzero(image[0, :, :, 0] > 127, as_tuple=True)
            box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) if len(xs) else (0, 0, 1, 1)
            found = torch.tensor([[float(v) for v in box]] * 2)
            found[1] += 1000
            return FaceCells(found[None], torch.tensor([[4.0 if len(xs) else -4.0, 3.0]]))

    negatives = [Picture(np.zeros((64, 500, 3), np.uint8), [], np.zeros(0, bool))] * 2
    figures = evaluate(Knows(), [face], negatives)
    assert figures["recall"] == figures["recall_small"] == figures["recall_large"] == 1
    assert figures["others"] == figures["in_negatives"] == 1
    assert figures["iou"] > 0.95


def test_labels_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "labels.jsonl"
    face = PseudoLabel(0.9, 0.8, cartoon(IBUG68) * 50, IBUG68.name)
    append_label(path, "a/b.jpg", [face])
    append_label(path, "a/c.jpg", [])
    labels = read_labels(path)
    assert list(labels) == ["a/b.jpg", "a/c.jpg"]
    np.testing.assert_allclose(labels["a/b.jpg"][0].points, face.points, atol=0.01)


def test_labeling_goes_on_after_a_line_that_was_left_incomplete(tmp_path):
    path = tmp_path / "labels.jsonl"
    assert not resume_labels(path)
    append_label(path, "a/b.jpg", [])
    whole = path.read_bytes()
    for torn in (b"", whole[:10], whole.rstrip(b"\n")):
        path.write_bytes(whole + torn)
        assert set(resume_labels(path)) == {"a/b.jpg"}
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "line", [b"{}", b'{"pict', b"[]", b"\xff\xfe\xfd", b'{"picture": "a", "faces": [{}]}']
)
def test_a_broken_line_of_labels_is_named(tmp_path, line):
    path = tmp_path / "labels.jsonl"
    append_label(path, "a/b.jpg", [])
    path.write_bytes(path.read_bytes() + line + b"\n" + path.read_bytes())
    for read in (read_labels, resume_labels):
        with pytest.raises(DataError, match=r"labels\.jsonl:2"):
            read(path)


def test_pictures_join_annotations_with_the_teachers_faces(fake_root, tmp_path, monkeypatch):
    root = fake_root(faces=6)
    labels = tmp_path / "others.jsonl"
    monkeypatch.setenv("FKP_LABELS", str(labels))
    face = load("ibug-train", root)[0]
    name = face.image.relative_to(root).as_posix()
    other = face.points + 500
    append_label(
        labels, name, [PseudoLabel(0.9, 0.9, p, IBUG68.name) for p in (face.points + 1, other)]
        + [PseudoLabel(0.4, 0.9, face.points - 500, IBUG68.name)],
    )  # fmt: skip
    ((found,), *_) = load_pictures(root, sure=0.7)
    assert len(found.faces) == 3
    assert found.sure.tolist() == [True, True, False]
    assert box_iou(points_box(found.faces[0]), face.box)[0, 0] == pytest.approx(1)


def test_in_negatives_only_the_surest_finds_are_doubted(tmp_path, monkeypatch):
    monkeypatch.setenv("FKP_LABELS", str(tmp_path / "labels.jsonl"))
    (tmp_path / "negatives").mkdir()
    Image.new("RGB", (300, 200)).save(tmp_path / "negatives/wall.jpg")
    faces = [PseudoLabel(score, 0.9, cartoon(IBUG68) * 50, IBUG68.name) for score in (0.75, 0.95)]
    append_label(tmp_path / "labels.jsonl", "negatives/wall.jpg", faces)
    _, _, (found,) = load_pictures(tmp_path, sure=0.7)
    assert len(found.faces) == 1
    assert found.sure.tolist() == [False]
