"""Submissions for the contest: written, refused, scored."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import make_spec, save_constant_model

from bench.__main__ import main
from bench.tasks.submission import (
    contest_images,
    find_xml,
    known_points,
    read_submission,
    score,
    write_submission,
)
from fkp.errors import DataError, SubmissionError


@pytest.fixture
def points(rng) -> np.ndarray:
    return rng.uniform(-5, 900, (3, 68, 2))


def test_the_ids_count_images_then_points_then_axes(tmp_path, points):
    path = tmp_path / "sub.csv"
    write_submission(path, points)
    lines = path.read_text().splitlines()
    assert lines[0] == "Id,Predicted"
    index, value = lines[1 + 2 * 136 + 2 * 30 + 1].split(",")
    assert int(index) == 2 * 136 + 61
    assert float(value) == pytest.approx(points[2, 30, 1], abs=1e-5)
    np.testing.assert_allclose(read_submission(path, 3), points, atol=1e-5)


def test_the_order_of_the_lines_does_not_matter(tmp_path, points):
    path = tmp_path / "sub.csv"
    write_submission(path, points)
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head, *reversed(lines)]))
    np.testing.assert_allclose(read_submission(path, 3), points, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: ["id,predicted", *lines[1:]], "sub.csv:1: the header must be 'Id,Predicted'"),
        (lambda lines: [], "the header must be"),
        (lambda lines: [*lines[:5], *lines[6:]], "1 ids have no valid value, the first ones: 4"),
        (lambda lines: [*lines, lines[7]], "line 410: the id 6 occurs a second time"),
        (lambda lines: [*lines[:-1], "408,1.0"], "line 409: the id 408 is out of range"),
        (lambda lines: [*lines[:-1], "-1,1.0"], "line 409: the id '-1' is not a whole number"),
        (lambda lines: [lines[0], "0,nan", *lines[2:]], "line 2: the value 'nan' is not a finite number"),
        (lambda lines: [lines[0], "0,-inf", *lines[2:]], "line 2: the value '-inf' is not a finite number"),
        (
            lambda lines: [lines[0], "0,twelve", *lines[2:]],
            "line 2: the value 'twelve' is not a finite number",
        ),
        (lambda lines: [lines[0], "0,1_0", *lines[2:]], "line 2: the value '1_0' is not a finite number"),
        (
            lambda lines: [*lines[:5], "\u0664,1.0", *lines[6:]],
            "line 6: the id '\u0664' is not a whole number",
        ),
        (lambda lines: [lines[0], "0,1,2", *lines[2:]], "line 2: an id and a value are needed"),
        (lambda lines: lines[:-136], "272 values, but 3 images need 408"),
    ],
)
def test_broken_submissions_are_refused_with_their_lines(tmp_path, points, change, words):
    path = tmp_path / "sub.csv"
    write_submission(path, points)
    path.write_text("\n".join(change(path.read_text().splitlines())))
    with pytest.raises(SubmissionError, match="sub") as error:
        read_submission(path, 3)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "dress",
    [
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),  # as a spreadsheet writes it
        lambda text: "\n".join(",".join(f'"{v}"' for v in line.split(",")) for line in text.splitlines()),
        lambda text: text + "\n\n  \n",
        lambda text: text.replace(",", " , "),
    ],
)
def test_what_other_programs_write_around_the_values_is_read_over(tmp_path, points, dress):
    path = tmp_path / "sub.csv"
    write_submission(path, points)
    path.write_text(dress(path.read_text()), encoding="utf-8", newline="")
    np.testing.assert_allclose(read_submission(path, 3), points, atol=1e-5)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_damage_is_an_error_of_ours_or_harmless(tmp_path_factory, junk, place):
    path = tmp_path_factory.mktemp("damage") / "sub.csv"
    points = np.arange(136.0).reshape(1, 68, 2)
    write_submission(path, points)
    content = path.read_bytes()
    path.write_bytes(content[:place] + junk + content[place + len(junk) :])
    try:
        values = read_submission(path, 1)
    except SubmissionError:
        return
    assert np.isfinite(values).all()


def test_ten_megabytes_of_wrong_lines_fail_fast(tmp_path):
    path = tmp_path / "sub.csv"
    path.write_text("Id,Predicted\n" + "x" * 4 + ",\n" * 5_000_000)
    start = time.perf_counter()
    with pytest.raises(SubmissionError, match="5000000 values, but 358 images need 48688"):
        read_submission(path, 358)
    assert time.perf_counter() - start < 2


def test_a_doubled_image_of_the_contest_is_refused(fake_root):
    xml = find_xml(fake_root())
    text = xml.read_text()
    first = text[text.index("<image ") : text.index("</image>") + len("</image>")]
    xml.write_text(text.replace(first, first * 2))
    with pytest.raises(DataError, match="a second time"):
        contest_images(xml)


def test_only_the_first_offending_lines_are_shown(tmp_path, points):
    path = tmp_path / "sub.csv"
    write_submission(path, points)
    path.write_text(path.read_text().replace(",", ",x").replace("Id,x", "Id,"))
    with pytest.raises(SubmissionError) as error:
        read_submission(path, 3)
    assert len(str(error.value).splitlines()) < 12


def test_nan_is_not_written(tmp_path, points):
    points[1, 3, 0] = np.nan
    with pytest.raises(SubmissionError, match="image 1 holds NaN"):
        write_submission(tmp_path / "sub.csv", points)


def test_the_score_is_the_mean_absolute_error_of_what_is_known(points):
    images = ["a/1.jpg", "b/2.jpg", "b/3.jpg"]
    truth = {"a/1.jpg": points[0] + (1, -3), "b/3.jpg": points[2] + 4}
    result = score(points, images, truth)
    assert (result.images, result.covered) == (3, 2)
    assert result.mae == pytest.approx(3)
    assert result.folders == pytest.approx({"a": 2, "b": 4})
    assert result.regions["mouth"] == pytest.approx(3)
    with pytest.raises(SubmissionError, match="none of the images"):
        score(points, images, {})


def test_submit_and_score_from_the_command_line(tmp_path, fake_root, capsys):
    model = save_constant_model(tmp_path, make_spec("net"))
    root, out = str(fake_root()), str(tmp_path / "sub.csv")
    assert main(["kaggle", "submit", "--model", str(model), "--data", root, "--out", out]) == 0
    assert "2 images, 272 values, valid" in capsys.readouterr().out
    assert main(["kaggle", "score", out, out, "--truth", root]) == 0
    text = capsys.readouterr().out
    assert "points are known for 1 of 2 images (50%)" in text
    assert "lfpw/testset (1)" in text
    assert "difference" in text


def test_a_model_of_another_scheme_is_refused(tmp_path, fake_root, capsys):
    model = save_constant_model(tmp_path, make_spec("net", "imm58"))
    words = ["kaggle", "submit", "--model", str(model), "--data", str(fake_root()), "--out", "x.csv"]
    assert main(words) == 2
    assert "the contest wants ibug68" in capsys.readouterr().err


def test_the_real_contest(data_root: Path):
    xml = find_xml(data_root)
    images = contest_images(xml)
    truth = known_points(xml)
    assert len(images) == 358
    assert len(truth) == 76
    full = data_root / "kaggle_examples" / "labels_ibug_300W_test_parsed_full_1008_images.xml"
    submission = data_root / "kaggle_examples" / "submission_full_1008_images.csv"
    names = contest_images(full)
    assert len(names) == 1008
    result = score(read_submission(submission, 1008), names, truth)
    assert result.covered == 76
    with pytest.raises(SubmissionError, match="137088 values, but 358 images need 48688"):
        read_submission(submission, 358)
