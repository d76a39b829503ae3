"""The demo's handlers, without a browser: good days and bad ones."""

from __future__ import annotations

import base64
import csv
import errno
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from demo_server import FACE, encoded, face_frames, save_models, save_video
from PIL import Image

from demo import files, html, models
from demo.handlers import compare, image, inside, live, video
from fkp.runtime.detectors import FkpDetector
from fkp.runtime.face import Face
from fkp.runtime.results import to_pts

STYLES = ["Points", "Outlines"]
PICTURE = {"url": "data:image/jpeg;base64," + base64.b64encode(FACE.read_bytes()).decode()}


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch):
    exported = tmp_path / "exported"
    exported.mkdir()
    save_models(exported)
    monkeypatch.setenv("FKP_MODELS", str(exported))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))  # what a test saves there has been uploaded


def picture(tmp_path: Path, content: bytes, name: str = "picture.jpg") -> dict[str, str]:
    path = tmp_path / name
    path.write_bytes(content)
    return {"path": str(path)}


def astronaut() -> Image.Image:
    return Image.open(FACE).convert("RGB")


def test_a_face_is_found_and_drawn():
    view = image.analyze(PICTURE, "big", STYLES)
    assert "1 face, 68 points" in view.message
    assert view.overlay is not None
    assert len(view.zooms) == 1
    assert view.found is not None
    drawn = np.asarray(Image.open(view.overlay).convert("RGB")).astype(int)
    assert np.abs(drawn - np.asarray(astronaut())).max() > 60
    for stage in ("read the file", "find faces", "cut out", "network", "draw"):
        assert stage in view.timings


def test_redrawing_keeps_the_faces_and_changes_the_picture():
    view = image.analyze(PICTURE, "big", [])
    _, overlay, zooms = image.redraw(view.found, ["Points", "Face box", "Numbers", "Confidence"])
    assert overlay is not None
    assert view.overlay is not None
    assert len(zooms) == 1
    assert Path(overlay).read_bytes() != Path(view.overlay).read_bytes()


def test_downloads_agree_with_each_other():
    view = image.analyze(PICTURE, "big", STYLES)
    saved = image.downloads(view.found, STYLES)
    face = json.loads(Path(saved.json).read_text())["faces"][0]
    rows = list(csv.DictReader(Path(saved.csv).read_text().splitlines()))
    assert len(rows) == len(face["points"]) == 68
    assert [float(rows[30]["x"]), float(rows[30]["y"])] == face["points"][30]
    assert Path(saved.pts).read_text().startswith("version: 1\nn_points: 68\n")
    assert Image.open(saved.png).size == (512, 512)
    assert html.point_table(view.found.faces).count("<tr>") == 1 + 68


def test_many_faces_on_one_picture(tmp_path):
    face = astronaut().crop((130, 0, 330, 200))
    sheet = Image.new("RGB", (1200, 1000))
    for i in range(30):
        sheet.paste(face, (i % 6 * 200, i // 6 * 200))
    view = image.analyze(picture(tmp_path, encoded(sheet, "PNG")), "big", STYLES)
    assert view.found is not None
    assert len(view.found.faces) >= 25
    assert len(view.zooms) == len(view.found.faces)
    with zipfile.ZipFile(image.downloads(view.found, STYLES).pts) as archive:
        assert len(archive.namelist()) == len(view.found.faces)


@pytest.mark.parametrize(
    ("size", "said"),
    [((1, 1), "too small"), ((3, 700), "No face"), ((20_000, 5), "No face"), ((640, 480), "No face")],
)
def test_no_face_is_said_in_words(tmp_path, size, said):
    view = image.analyze(picture(tmp_path, encoded(Image.new("RGB", size, "teal"), "PNG")), "big", STYLES)
    assert said in view.message
    assert view.table == ""
    assert image.downloads(view.found, STYLES) == image.Downloads()


def test_faces_that_are_not_reliable_are_named():
    def face(reliable: bool) -> Face:
        points, box = np.zeros((68, 2), np.float32), np.array([0, 0, 9, 9], np.float32)
        return Face(points, np.ones(68, np.float32), box, 0.9, "ibug68", reliable=reliable)

    assert "Not reliable" not in html.faces_found([face(True), face(True)], (90, 90))
    assert "Not reliable: face 2." in html.faces_found([face(True), face(False)], (90, 90))
    assert "8, ..." in html.faces_found([face(False)] * 9, (90, 90))


def good_files():
    face = astronaut()
    turned = face.getexif()
    turned[274] = 6
    frames = [face, Image.new("RGB", face.size)]
    sixteen = Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257)
    yield "cmyk", encoded(face.convert("CMYK"), "JPEG")
    yield "16-bit", encoded(sixteen, "PNG")
    yield "exif", encoded(face.rotate(90, expand=True), "JPEG", exif=turned)
    yield "animated", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield "rgba", encoded(face.convert("RGBA"), "PNG")
    yield "gray", encoded(face.convert("L"), "JPEG")


@pytest.mark.parametrize(
    ("kind", "content"), list(good_files()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_unusual_pictures_are_read(tmp_path, kind, content):
    assert "1 face" in image.analyze(picture(tmp_path, content), "big", STYLES).message


def bad_files():
    whole = FACE.read_bytes()
    yield b"This is a text.", "not a picture"
    yield b"", "not a picture"
    yield b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"
    yield whole[: len(whole) // 2], "damaged"
    yield encoded(Image.new("1", (10_000, 10_000)), "PNG"), "at most 40 megapixels"


@pytest.mark.parametrize(
    ("content", "words_"), list(bad_files()), ids=["text", "empty", "svg", "truncated", "100 MP"]
)
def test_bad_pictures_get_a_sentence_without_a_path(tmp_path, content, words_):
    view = image.analyze(picture(tmp_path, content), "big", STYLES)
    assert view.message.startswith('<p class="fkp-message fkp-problem"')
    assert "Your file" in view.message
    assert words_ in view.message
    assert str(tmp_path) not in view.message
    assert view.overlay is None


def test_missing_input_gets_a_sentence(tmp_path):
    assert "Choose a picture" in image.analyze(None, "big", STYLES).message
    assert "upload it again" in image.analyze({"path": str(tmp_path / "gone.jpg")}, "big", STYLES).message
    assert image.redraw(None, STYLES)[1:] == (None, [])


def test_a_damaged_model_is_told_and_the_others_work(tmp_path):
    assert "broken" not in [name for _, name in models.choices()]
    assert [entry.name for entry in models.entries()][-1] == "broken"
    assert "cannot be used" in html.model_table(models.entries())
    assert "cannot be used" in image.analyze(PICTURE, "broken", STYLES).message
    # Damage that keeps the size shows only when the file is loaded.
    path = tmp_path / "exported" / "small.onnx"
    path.write_bytes(path.read_bytes()[::-1])
    message = image.analyze(PICTURE, "small", STYLES).message
    assert "SHA-256" in message
    assert str(tmp_path) not in message
    assert "1 face" in image.analyze(PICTURE, "middle", STYLES).message


@pytest.mark.parametrize("name", ["", "nobody", "../exported/big.onnx", "/etc/passwd.onnx", None])
def test_only_listed_models_are_loaded(name):
    assert "There is no such model" in image.analyze(PICTURE, name, STYLES).message


def test_without_any_model_the_page_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("FKP_MODELS", str(tmp_path))
    assert models.choices() == []
    assert "No model is installed" in html.model_table(models.entries())
    assert "No model is installed" in image.analyze(PICTURE, None, STYLES).message


def test_a_damaged_index_and_a_missing_detector_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(FkpDetector, "_FILE", tmp_path / "nothing.onnx")
    models._detector.cache_clear()
    assert "The face detector is missing" in image.analyze(PICTURE, "big", STYLES).message
    (tmp_path / "exported" / "index.json").write_text("{nonsense")
    assert "index of the models is damaged" in html.model_table(models.entries())
    assert "index is damaged" in image.analyze(PICTURE, "big", STYLES).message


def test_text_from_outside_is_escaped():
    assert "<script>" not in html.problem("<script>alert(1)</script>")


# Webcam


def frame(pixels: np.ndarray) -> dict[str, str]:
    return {"url": "data:image/jpeg;base64," + base64.b64encode(files.encode_jpeg(pixels)).decode()}


def test_the_camera_is_followed_and_the_model_can_change():
    session = None
    for pixels in face_frames(6):
        drawn, figures, session = live.step(frame(pixels), "middle", STYLES, session)
        assert drawn["url"].startswith("data:image/jpeg;base64,")
        assert "frames per second" in figures
    first = session
    _, _, session = live.step(frame(pixels), "small", STYLES, session)
    assert session is not first
    assert session.model == "small"
    assert live.step(None, "small", STYLES, session)[2] is None


def test_the_figures_of_the_camera_can_be_read():
    session = live.Session("small")
    first = session.figures(9.98, 10.0, [], (480, 640))
    assert session.figures(10.03, 10.05, [], (480, 640)) == first
    assert "<b>20</b> frames per second" in [session.figures(t - 0.02, t, [], (480, 640)) for t in STEADY][-1]


STEADY = [10.1 + 0.05 * i for i in range(100)]  # twenty frames a second


def test_a_bad_frame_gets_a_sentence_and_keeps_the_session():
    _, _, session = live.step(frame(face_frames(1)[0]), "big", STYLES, None)
    _, figures, after = live.step({"url": "data:image/jpeg;base64,AAAA"}, "big", STYLES, session)
    assert "not a picture" in figures
    assert after is session


# Video


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "out of memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/secret"), "disk is full"),
        (OSError(errno.EMFILE, "Too many open files", "/tmp/secret"), "too many files open"),
        (OSError(errno.EIO, "Input/output error", "/tmp/secret"), "could not read or write"),
    ],
)
def test_what_the_server_is_short_of_is_said_and_is_not_the_fault_of_the_file(
    tmp_path, monkeypatch, error, said
):
    def fail(*_args, **_kwargs):
        raise error

    clip = save_video(tmp_path / "clip.mp4", face_frames(2, (240, 320)), sound=False)
    for module in (image, compare, video):
        monkeypatch.setattr(module, "new_folder", fail)
    *_, last = video.annotate({"path": str(clip)}, "big", STYLES)
    compared = compare.compare(PICTURE, ["big", "middle"], None, STYLES)
    for message in (image.analyze(PICTURE, "big", STYLES).message, compared.message, last.message):
        assert said in message
        assert "try again later" in message
        assert "secret" not in message


@pytest.mark.parametrize(
    "styles", [None, "Points", 5, ["Points", 5], [["Points"]], {"Points": 1}, ["Nothing"]]
)
def test_values_that_the_page_does_not_send_get_a_sentence(styles):
    messages = [
        image.analyze(PICTURE, "big", styles).message,
        image.redraw(None, styles)[0],
        compare.compare(PICTURE, ["big", "small"], None, styles).message,
        live.step(PICTURE, "big", styles, None)[1],
        next(video.annotate({"path": "x"}, "big", styles)).message,
        compare.compare(PICTURE, styles, None, STYLES).message,
        inside.look(PICTURE, styles).message,
        image.analyze(PICTURE, styles, STYLES).message,
    ]
    assert all('class="fkp-message' in message for message in messages)


# Compare, Inside


def test_models_are_compared_with_each_other_and_with_the_truth(tmp_path):
    points = image.analyze(PICTURE, "big", []).found.faces[0].points
    truth = tmp_path / "true.pts"
    ones = np.ones(68, np.float32)
    truth.write_text(to_pts(Face(points + np.float32([3, 4]), ones, np.zeros(4), 1.0, "ibug68")))
    view = compare.compare(PICTURE, ["big", "middle", "small"], {"path": str(truth)}, STYLES)
    assert len(view.overlays) == 3
    assert len(view.differences) == 1
    assert "5.00 px" in view.table
    assert "(nose tip)" in view.table
    assert "the file has 68 points" in view.table


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nonsense", "does not begin with"),
        ("version: 1\nn_points: 1\n{\n1 1\n}", "1 points"),
        ("x" * 200_000, "large"),
    ],
)
def test_bad_pts_files_get_a_sentence(tmp_path, content, said):
    truth = tmp_path / "true.pts"
    truth.write_text(content)
    view = compare.compare(PICTURE, ["big", "middle"], {"path": str(truth)}, STYLES)
    if said == "1 points":  # a nose tip is a truth that these models cannot be held against
        assert "the file has 1 points" in view.table
    else:
        assert said in view.message


def test_a_comparison_needs_two_models():
    assert "at least two" in compare.compare(PICTURE, ["big"], None, STYLES).message


def test_looking_inside_shows_filters_and_maps(tmp_path, monkeypatch):
    path = save_convolution(tmp_path / "conv.onnx")
    exported = pytest.importorskip("fkp.inspection.feature_maps").Inside(path)
    assert exported.filters.shape == (4, 3, 3, 3)
    (layer,) = exported.layers(np.full((8, 8, 3), 9, np.uint8))
    assert layer.maps.shape == (4, 6, 6)
    assert "no convolution" in inside.look(PICTURE, "big").message


def save_convolution(path: Path) -> Path:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "weights"], ["maps"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["maps"], ["output"]),
    ]
    weights = numpy_helper.from_array(
        np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32), "weights"
    )
    graph = helper.make_graph(
        nodes,
        "conv",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 8, 8, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [weights],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_the_page_needs_no_torch():
    code = "import sys, demo.ui; print('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
