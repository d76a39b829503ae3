"""The Video tab's handler, without a browser: good videos and bad ones, limits, and what is left behind."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np
import pytest
from demo_server import face_frames, save_models, save_video

from demo.handlers import video

STYLES = ["Points", "Outlines"]


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch):
    exported = tmp_path / "exported"
    exported.mkdir()
    save_models(exported)
    monkeypatch.setenv("FKP_MODELS", str(exported))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))  # what a test saves there has been uploaded


def test_a_video_keeps_its_length_and_sound(tmp_path):
    clip = save_video(tmp_path / "clip.mp4", face_frames(12, (240, 320)))
    *_, last = video.annotate({"path": str(clip)}, "big", STYLES)
    assert "12 frames" in last.message
    with av.open(last.video) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert len(container.streams.audio) == 1
        assert sum(1 for _ in container.decode(video=0)) == 12
    rows = list(csv.DictReader(Path(last.csv).read_text().splitlines()))
    assert {int(row["frame"]) for row in rows} <= set(range(12))
    assert rows


def test_bad_videos_get_a_sentence(tmp_path):
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.write_bytes(b"")
    text.write_text("not a video")
    silent = save_video(tmp_path / "sound.mp4", [])
    large = save_video(tmp_path / "large.mp4", [np.zeros((2304, 4096, 3), np.uint8)], sound=False)
    for path, said in ((empty, "empty"), (text, "not a video"), (silent, "no pictures"), (large, "at most")):
        *_, last = video.annotate({"path": str(path)}, "big", STYLES)
        assert "fkp-problem" in last.message
        assert said in last.message
        assert "our video" in last.message
        assert str(tmp_path) not in last.message
        assert last.video is None
    assert "Choose a video" in next(video.annotate(None, "big", STYLES)).message


def test_a_video_without_a_face_is_told(tmp_path):
    clip = save_video(tmp_path / "clip.mp4", [np.zeros((120, 160, 3), np.uint8)], sound=False)
    *_, last = video.annotate({"path": str(clip)}, "big", STYLES)
    assert "1 frame in" in last.message
    assert "no face was found" in last.message
    assert last.video is not None


def test_a_long_video_is_cut_and_a_cancelled_one_leaves_nothing(tmp_path, monkeypatch):
    clip = save_video(tmp_path / "clip.mp4", face_frames(12, (240, 320)), sound=False)
    monkeypatch.setattr(video, "MAX_SECONDS", 0.5)
    *_, last = video.annotate({"path": str(clip)}, "big", STYLES)
    assert "5 frames" in last.message
    assert "only its beginning" in last.message
    monkeypatch.setattr(video, "_NEWS_EVERY", 0)
    before = set(tmp_path.iterdir())
    job = video.annotate({"path": str(clip)}, "big", STYLES)
    assert "left" in next(job).message
    job.close()
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("limit", "most", "said", "frames"),
    [("MAX_FRAMES", 4, "more than 4 frames", 4), ("MAX_MINUTES", 1e-9, "minutes: only its beginning", 1)],
)
def test_frames_and_working_time_of_a_video_are_bounded(tmp_path, monkeypatch, limit, most, said, frames):
    clip = save_video(tmp_path / "clip.mp4", face_frames(8, (240, 320)), sound=False)
    monkeypatch.setattr(video, limit, most)
    *_, last = video.annotate({"path": str(clip)}, "big", STYLES)
    assert said in last.message
    assert f"{frames} frame" in last.message
    with av.open(last.video) as container:
        assert sum(1 for _ in container.decode(video=0)) == frames
