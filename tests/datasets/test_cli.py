"""`python -m fkp data ...`"""

import argparse

import numpy as np
import pytest
from fake_data import IBUG, IMM, TEST_XML, TRAIN_XML, YTF
from PIL import Image

from fkp.__main__ import main
from fkp.datasets import cli, inventory
from fkp.datasets import download as d
from fkp.datasets.catalog import DATASETS, NEGATIVES_FOLDER
from fkp.datasets.loading import training_pictures
from fkp.errors import DataError, UsageError
from fkp.runtime.detectors import Detections
from fkp.schemes import IBUG68


@pytest.fixture
def run(capsys):
    """Run the command and return its exit code and what it printed."""

    def command(*words):
        parser = argparse.ArgumentParser()
        cli.add_parser(parser.add_subparsers(required=True))
        args = parser.parse_args(["data", *map(str, words)])
        code = args.func(args)
        return code, capsys.readouterr().out

    return command


def test_check_of_a_sound_root(run, fake_root):
    code, out = run("check", fake_root())
    assert code == 0
    rows = [line.split()[:4] for line in out.splitlines()]
    assert ["dlib", "XML", "2", "1"] in rows
    assert ["dlib", "XML", "15", "15"] in rows
    assert ["YTF", ".csv", "12", "12"] in rows
    assert ["IMM", ".asf", "4", "4"] in rows
    assert "data sets there: ibug-train, ibug-val, 300w-common" in out
    assert "nothing is wrong" in out


@pytest.mark.parametrize("place", [IBUG, YTF, IMM, f"{IBUG}/{TRAIN_XML}", f"{IBUG}/lfpw"])
def test_check_of_a_part(run, fake_root, place):
    code, out = run("check", fake_root() / place)
    assert code == 0
    assert "nothing is wrong" in out
    assert ("imm58" in out) == (place == IMM)


def test_check_finds_pictures_that_cannot_be_decoded(run, fake_root):
    root = fake_root()
    torn = root / YTF / "test/A_Person0_00.jpg"
    torn.write_bytes(torn.read_bytes()[:-200])
    (root / IMM / "01-1m.asf").write_text("nonsense")
    code, out = run("check", root)
    assert code == 1
    assert f"{torn}: the picture cannot be decoded" in out
    assert f"{root / IMM / '01-1m.asf'}: holds no" in out
    assert out.endswith("wrong: 2\n")
    code, out = run("check", root, "--skip-broken")
    assert code == 0
    assert out.endswith("skipped: 2\n")


def test_check_decodes_a_picture_once(run, fake_root, monkeypatch):
    file = fake_root() / IBUG / TEST_XML
    text = file.read_text()
    file.write_text(text.replace("</image>", "<box top='9' left='9' width='50' height='50'/></image>"))
    decoded = []
    picture = np.zeros((100, 120, 3), np.uint8)
    monkeypatch.setattr(inventory, "load_image", lambda path: decoded.append(path.name) or picture)
    _, out = run("check", file)
    assert out.splitlines()[1].split()[2:6] == ["4", "0", "4", "ibug68"]
    assert decoded == ["image_0001.png", "900_1.jpg"]


def test_check_shows_the_first_problems(run, fake_root):
    root = fake_root(faces=30)
    for pts in (root / IBUG / "afw").glob("*.pts"):
        pts.write_text("nonsense")
    code, out = run("check", root / IBUG / "afw")
    assert code == 1
    assert out.count("does not begin") == 20
    assert "... and 10 more" in out


def test_check_of_nothing(run, tmp_path):
    with pytest.raises(UsageError, match="holds no known layout"):
        run("check", tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere is not there"):
        run("check", tmp_path / "nowhere")


def test_get(run, tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "get", lambda archive, root: root / archive.folder)
    code, out = run("get", "imm", "--out", tmp_path)
    assert code == 0
    assert f"{tmp_path / IMM} is ready" in out


def test_get_says_what_went_wrong(monkeypatch, capsys):
    def refuse(archive, root):
        raise d.DownloadError("no such host")

    monkeypatch.setattr(cli, "get", refuse)
    assert main(["data", "get", "ibug"]) == 2
    assert capsys.readouterr().err == "error: no such host\n"
    with pytest.raises(SystemExit, match="2"):
        main(["data", "get", "everything"])


def test_fit_boxes(run, fake_root, monkeypatch):
    """The Haar cascade sees no face in a cartoon, so another detector's boxes stand in."""
    from fkp.runtime.detectors import HaarDetector

    root = fake_root()
    boxes = iter([sample.box[None] + (-6, -12, 6, 6) for sample in cli.load("ibug-train", root)])
    monkeypatch.setattr(HaarDetector, "raw_boxes", lambda self, image: (next(boxes), None))
    code, out = run("fit-boxes", "--data", root)
    assert code == 0
    assert "DLIB_BOX = BoxMap(left=" in out
    assert "HAAR_BOX = BoxMap(left=" in out
    assert "11 of 11 faces" in out
    with pytest.raises(UsageError, match=r"the data root .* is not there"):
        run("fit-boxes", "--data", root / "nowhere")


def test_negatives_are_gathered_evenly_and_shrunk(run, fake_root, tmp_path):
    source = tmp_path / "stickers"
    (source / "inner").mkdir(parents=True)
    for i in range(6):
        Image.new("RGBA", (900, 300), (200, 10 * i, 0, 128)).save(source / f"inner/{i}.png")
    Image.new("RGB", (20, 20)).save(source / "small.png")
    (source / "broken.jpg").write_text("nonsense")
    (source / "notes.txt").write_text("no picture")
    root = fake_root()
    code, out = run("negatives", source, "--most", 100, "--data", root)
    assert code == 0
    assert "6 pictures are in" in out
    assert "; 2 could not be read or are too small" in out
    pictures = sorted((root / NEGATIVES_FOLDER).iterdir())
    assert [Image.open(path).size for path in pictures] == [(640, 213)] * 6
    assert set(pictures) <= set(training_pictures(root))

    run("negatives", source / "inner", "--most", 2, "--data", root)
    assert sorted((root / NEGATIVES_FOLDER).iterdir()) == pictures  # the same ones once more
    with pytest.raises(FileNotFoundError, match="no such folder: "):
        run("negatives", tmp_path / "nowhere", "--data", root)


@pytest.mark.parametrize("content", ["a thesis, no line's end", "a thesis\nof two lines\n", "{}\n", "\n"])
def test_label_leaves_a_file_that_holds_no_labels_as_it_is(run, fake_root, tmp_path, content):
    out = tmp_path / "thesis.txt"
    out.write_text(content)
    with pytest.raises(DataError, match=r"thesis\.txt"):
        run("label", "--out", out, "--data", fake_root())
    assert out.read_text() == content


def test_help_teaches(run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run("--help")
    words = capsys.readouterr().out
    assert "python -m fkp data check my.xml" in words
    for name, dataset in DATASETS.items():
        assert f"{name} " in words
        assert dataset.title in words


def test_a_label_is_the_mean_of_a_picture_and_its_mirror_image():
    points = np.random.default_rng(0).uniform(20, 80, (68, 2)).astype(np.float32)
    order = list(IBUG68.mirror)

    class Knows:
        """Right about the bright half of the picture's halves, two pixels off where that is the right one."""

        scheme = IBUG68
        spec = argparse.Namespace(scheme=IBUG68.name)

        def detect(self, image):
            return Detections(np.array([[20, 20, 80, 80]], np.float32), np.array([0.9], np.float32))

        def predict_with_scores(self, image, boxes):
            if image[:, :60].mean() > image[:, 60:].mean():
                np.testing.assert_array_equal(boxes, [[20, 20, 80, 80]])
                return points[None], np.full((1, 68), 0.5, np.float32)
            np.testing.assert_array_equal(boxes, [[39, 20, 99, 80]])
            mirrored = points[order] * [-1, 1] + [119 + 2, 0]
            return mirrored[None], np.full((1, 68), 0.7, np.float32)

    image = np.zeros((100, 120, 3), np.uint8)
    image[:, :60] = 200
    (face,) = cli.label_picture(Knows(), image)
    np.testing.assert_allclose(face.points, points - [1, 0], atol=1e-3)
    assert face.score == pytest.approx(0.9)
    assert face.confidence == pytest.approx(0.6)
