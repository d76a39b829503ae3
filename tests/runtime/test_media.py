"""Videos in and out, sound and rotation included, and the one sentence that refuses one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from videos import RATE, heard, make_video, streams, tone

from fkp.errors import VideoError
from fkp.runtime.media import Frame, Limits, VideoReader, VideoWriter


def copy(source: Path, target: Path) -> list[str]:
    with VideoReader(source) as video, VideoWriter(target, video.rate, sound_of=source) as out:
        for frame in video:
            out.write(frame)
    return video.remarks + out.remarks


def read(path: Path, **limits) -> tuple[list[Frame], list[str]]:
    with VideoReader(path, Limits(**limits)) as video:
        return list(video), video.remarks


def test_frames_come_in_order_with_their_times(tmp_path):
    path = make_video(tmp_path / "clip.mp4")
    with VideoReader(path) as video:
        frames = list(video)
    assert video.rate == RATE
    assert video.frames == len(frames) == 10
    assert video.remarks == []
    assert [frame.time for frame in frames] == pytest.approx(np.arange(10) / 10)
    brightness = [frame.image[:, :28].mean() for frame in frames]
    np.testing.assert_allclose(brightness, 80 + 5 * np.arange(10), atol=4)
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    assert all(frame.image.flags.c_contiguous for frame in frames)


@pytest.mark.parametrize(
    ("name", "codec", "sound"), [("clip.mp4", "libx264", "aac"), ("clip.webm", "libvpx", "libopus")]
)
def test_written_video_plays_in_browsers_and_keeps_its_sound(tmp_path, name, codec, sound):
    source = make_video(tmp_path / name, frames=20, codec=codec, sound=sound)
    target = tmp_path / "out.mp4"
    assert copy(source, target) == []
    found = streams(target)
    assert found["video"] == ("h264", pytest.approx(2, abs=0.05))
    assert found["audio"] == ("aac", pytest.approx(2, abs=0.15))
    with av.open(str(target)) as file:
        assert file.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert np.abs(heard(target)).max() > 0.1
    times = [[frame.time for frame in read(path)[0]] for path in (source, target)]
    np.testing.assert_allclose(*times, atol=0.02)


def test_sound_ends_with_the_last_frame(tmp_path):
    source = make_video(tmp_path / "clip.mp4", frames=30, sound="aac")
    target = tmp_path / "start.mp4"
    with VideoWriter(target, RATE, sound_of=source) as out:
        for frame in read(source, frames=10)[0]:
            out.write(frame)
    assert streams(target)["audio"][1] == pytest.approx(1, abs=0.1)


def test_odd_sizes_and_uneven_times(tmp_path):
    target = tmp_path / "odd.mp4"
    times = [0, 0.1, 0.35, 0.35, 1.2]
    with VideoWriter(target, RATE) as out:
        for time in times:
            out.write(Frame(np.full((33, 51, 3), 90, np.uint8), time))
    frames = read(target)[0]
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.001)
    assert frames[0].image.shape == (34, 52, 3)
    np.testing.assert_allclose(frames[0].image, 90, atol=4)


def test_an_error_leaves_no_file(tmp_path):
    def write_until_an_error() -> None:
        with VideoWriter(tmp_path / "out.mp4", RATE) as out:
            out.write(Frame(np.zeros((32, 32, 3), np.uint8), 0))
            out.write(Frame(np.zeros((32, 32), np.uint8), 1))

    with pytest.raises(ValueError, match="broadcast"):
        write_until_an_error()
    assert not (tmp_path / "out.mp4").exists()


def test_no_frames_leave_no_file(tmp_path):
    with VideoWriter(tmp_path / "out.mp4", RATE):
        pass
    assert not (tmp_path / "out.mp4").exists()


def test_a_frame_of_another_size_is_refused(tmp_path):
    def turn_on_the_way() -> None:
        with VideoWriter(tmp_path / "out.mp4", RATE) as out:
            out.write(Frame(np.zeros((32, 48, 3), np.uint8), 0.0))
            out.write(Frame(np.zeros((48, 32, 3), np.uint8), 0.1))

    with pytest.raises(ValueError, match="one size"):
        turn_on_the_way()
    assert not (tmp_path / "out.mp4").exists()


def test_unwritable_target(tmp_path):
    with (
        pytest.raises(VideoError, match=r"out\.mp4 cannot be written"),
        VideoWriter(tmp_path / "no" / "out.mp4", RATE),
    ):
        pass


def test_what_is_no_video(tmp_path):
    empty, text, sound = (tmp_path / name for name in ("empty.mp4", "text.mp4", "sound.mp4"))
    empty.touch()
    text.write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    with av.open(str(sound), "w") as out:
        stream = out.add_stream("aac", rate=48_000)
        out.mux(packet for frame in tone(Fraction(1)) for packet in stream.encode(frame))
    for path, words in (
        (empty, "is an empty file"),
        (text, "is damaged or not a video"),
        (sound, "holds no pictures"),
        (tmp_path / "absent.mp4", "does not exist"),
        (tmp_path, "is a folder, not a video"),
    ):
        with pytest.raises(VideoError, match=f"{path.name} {words}"):
            read(path)


def test_hardly_anything_of_a_video(tmp_path):
    path = make_video(tmp_path / "clip.mkv", frames=30)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(VideoError, match=r"clip\.mkv (is damaged|holds no)"):
        read(path)
