"""Odd and damaged videos: what can be read is read as it is meant to be seen, and the rest is said."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from videos import heard, make_video, streams

from fkp.errors import VideoError
from fkp.runtime.media import Frame, Limits, VideoReader, VideoWriter

ONE = 65536
# (a, b, c, d) of a display matrix -> how the upright picture is stored.
STORED = {
    (1, 0, 0, 1): lambda image: image,
    (-1, 0, 0, 1): lambda image: image[:, ::-1],
    (1, 0, 0, -1): lambda image: image[::-1],
    (-1, 0, 0, -1): lambda image: image[::-1, ::-1],
    (0, 1, 1, 0): lambda image: image.transpose(1, 0, 2),
    (0, 1, -1, 0): lambda image: np.rot90(image, 1),
    (0, -1, 1, 0): lambda image: np.rot90(image, -1),
    (0, -1, -1, 0): lambda image: np.rot90(image, 2).transpose(1, 0, 2),
}


def copy(source: Path, target: Path, **limits) -> tuple[list[Frame], list[str]]:
    frames = []
    with VideoReader(source, Limits(**limits)) as video, VideoWriter(target, video.rate, source) as out:
        for frame in video:
            out.write(frame)
            frames.append(frame)
    return frames, video.remarks + out.remarks


def corners() -> np.ndarray:
    """A picture of four colors, none of which tells left from right or top from bottom by itself."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :32], image[:24, 32:], image[24:, :32] = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    return image


def store(path: Path, image: np.ndarray, matrix: tuple[int, ...]) -> Path:
    a, b, c, d = (value * ONE for value in matrix)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuv420p"
        stream.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        out.mux([*stream.encode(frame), *stream.encode(None)])
    return path


@pytest.mark.parametrize("matrix", STORED)
def test_all_eight_display_matrices_give_the_upright_picture(tmp_path, matrix):
    path = store(tmp_path / "phone.mp4", STORED[matrix](corners()), matrix)
    with VideoReader(path) as video:
        (frame,) = video
    assert frame.image.shape == (48, 64, 3)
    assert np.abs(frame.image.astype(int) - corners()).mean() < 8


def replace_bytes(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def test_sound_without_a_decoder_costs_only_the_sound(tmp_path):
    source = make_video(tmp_path / "clip.mp4", sound="aac")
    replace_bytes(source, b"mp4a", b"zzza")
    replace_bytes(source, b"esds", b"zzzz")
    frames, remarks = copy(source, tmp_path / "out.mp4")
    assert len(frames) == 10
    assert remarks == ["has sound in a format that cannot be decoded here: it was left out"]
    assert set(streams(tmp_path / "out.mp4")) == {"video"}


def test_pictures_without_a_decoder_are_one_sentence(tmp_path):
    source = make_video(tmp_path / "clip.mp4", sound="aac")
    replace_bytes(source, b"avc1", b"zzz1")
    with pytest.raises(VideoError, match=r"clip\.mp4 holds pictures in a format that cannot be decoded"):
        VideoReader(source)


@pytest.mark.parametrize("name", ["late.mkv", "late.ts", "late.mp4"])
@pytest.mark.parametrize("start", [2, 120])
def test_times_and_sound_start_at_zero(tmp_path, name, start):
    source = make_video(tmp_path / name, sound="aac", start=start)
    frames, remarks = copy(source, tmp_path / "out.mp4", seconds=60)
    assert [frame.time for frame in frames] == pytest.approx(np.arange(10) / 10, abs=0.002)
    assert remarks == []
    assert streams(tmp_path / "out.mp4")["audio"][1] == pytest.approx(1, abs=0.1)
    sound = np.abs(heard(tmp_path / "out.mp4"))
    assert sound[4800:9600].max() > 0.1
    assert sound[-14400:-4800].max() > 0.1


def test_sound_that_starts_before_the_pictures_keeps_its_place(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as out:
        video, audio = out.add_stream("libx264", rate=10), out.add_stream("flac", rate=48_000)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        for number in range(10):  # from 1 s on
            frame = av.VideoFrame.from_ndarray(corners(), format="rgb24")
            frame.pts, frame.time_base = 10 + number, Fraction(1, 10)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        samples = np.zeros(96_000, np.int16)
        samples[72_000:] = 8000  # from 1.5 s on
        for start in range(0, 96_000, 960):
            sound = av.AudioFrame.from_ndarray(
                samples[None, start : start + 960], format="s16", layout="mono"
            )
            sound.sample_rate, sound.pts, sound.time_base = 48_000, start, Fraction(1, 48_000)
            out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    copy(path, tmp_path / "out.mp4")
    first = int(np.argmax(np.abs(heard(tmp_path / "out.mp4")) > 0.1))
    assert first / 48_000 == pytest.approx(0.5, abs=0.03)


def test_sound_of_an_odd_rate_is_resampled(tmp_path):
    source = make_video(tmp_path / "studio.mkv", sound="flac", sound_rate=192_000)
    frames, remarks = copy(source, tmp_path / "out.mp4")
    assert len(frames) == 10
    assert remarks == ["has sound of 192 kHz: resampled to 48 kHz"]
    crossings = np.flatnonzero(np.diff(np.sign(heard(tmp_path / "out.mp4")[9600:38_400])))
    assert len(crossings) == pytest.approx(2 * 440 * 0.6, rel=0.03)


def spoil(path: Path, kind: str, every: int) -> None:
    """Fill every so many packets of a kind of stream with rubbish."""
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as file:
        packets = [
            packet for packet in file.demux(next(s for s in file.streams if s.type == kind)) if packet.size
        ]
        places = [(packet.pos, packet.size) for packet in packets[1::every]]
    rng = np.random.default_rng(0)
    for start, size in places:
        content[start : start + size] = rng.bytes(size)
    path.write_bytes(content)


@pytest.mark.parametrize("every", [1, 3])
def test_damaged_sound_costs_no_pictures(tmp_path, every):
    source = make_video(tmp_path / "clip.mp4", sound="aac", frames=20)
    spoil(source, "audio", every)
    frames, remarks = copy(source, tmp_path / "out.mp4")
    assert len(frames) == 20
    assert len(remarks) == 1
    assert remarks[0].startswith("has ")
    assert "sound" in remarks[0]
    assert "left out" in remarks[0]


def test_damaged_pictures_are_left_out_and_said(tmp_path):
    source = make_video(tmp_path / "clip.mkv", codec="mpeg4", frames=20)
    with av.open(str(source)) as file:
        packets = [bytes(packet) for packet in file.demux() if packet.size]
    spoiled = source.read_bytes().replace(packets[7], b"\xff" * len(packets[7]))
    source.write_bytes(spoiled)
    frames, remarks = copy(source, tmp_path / "out.mp4")
    assert 15 <= len(frames) < 20
    assert remarks == ["is damaged: 1 part without a picture left out"]


@pytest.mark.parametrize(("aspect", "size"), [((2, 1), (48, 128)), ((1, 2), (96, 64)), ((4, 3), (48, 85))])
def test_pixels_become_square(tmp_path, aspect, size):
    source = make_video(tmp_path / "dvd.mp4", aspect=Fraction(*aspect), frames=2)
    with VideoReader(source) as video:
        image = next(iter(video)).image
    assert image.shape[:2] == size
    assert image[:, : size[1] // 2 - 2].min() > 60 > image[:, size[1] // 2 + 2 :].max()


def test_anamorphic_and_turned(tmp_path):
    turned = (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30)
    source = make_video(tmp_path / "dvd.mp4", aspect=Fraction(2), frames=2, matrix=turned)
    with VideoReader(source) as video:
        assert next(iter(video)).image.shape == (128, 48, 3)


def test_an_absurd_pixel_is_taken_as_square(tmp_path):
    source = make_video(tmp_path / "clip.mp4", aspect=Fraction(1000), frames=2)
    with VideoReader(source) as video:
        assert next(iter(video)).image.shape == (48, 64, 3)


def test_later_frames_are_fitted_into_the_first_size(tmp_path):
    parts = [make_video(tmp_path / f"{size[0]}.ts", size=size, frames=5) for size in ((48, 64), (64, 48))]
    source = tmp_path / "both.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, remarks = copy(source, tmp_path / "out.mp4")
    assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * 10
    assert remarks == ["changes its frame size: later frames were fitted into 64 x 48"]
    last = frames[-1].image  # 36 x 48 in the middle
    assert last[:, :13].max() < 20
    assert last[5:-5, 16:30].min() > 60
    assert [frame.time for frame in frames] == pytest.approx(np.arange(10) / 10, abs=0.01)
    assert len(streams(tmp_path / "out.mp4")) == 1


def test_a_video_that_is_cut_off_says_so(tmp_path):
    source = make_video(tmp_path / "clip.mp4", frames=34, sound="aac")
    content = source.read_bytes()
    source.write_bytes(content[: len(content) * 2 // 3])
    frames, remarks = copy(source, tmp_path / "out.mp4")
    assert 5 < len(frames) < 30
    assert f"is cut off: {len(frames)} of about 34 frames could be read" in remarks


@pytest.mark.parametrize(
    ("limits", "count", "remark"),
    [
        ({"seconds": 0.5}, 5, "is longer than 0.5 seconds: only its beginning was used"),
        ({"frames": 3}, 3, "has more than 3 frames: only the first ones were used"),
        ({"seconds": 60, "frames": 10}, 10, None),
    ],
)
def test_limits(tmp_path, limits, count, remark):
    source = make_video(tmp_path / "clip.mp4")
    with VideoReader(source, Limits(**limits)) as video:
        assert video.frames == count
        assert len(list(video)) == count
    assert video.remarks == ([remark] if remark else [])


def test_too_many_pixels(tmp_path):
    flat = make_video(tmp_path / "flat.mp4", aspect=Fraction(2), frames=2)
    with pytest.raises(VideoError, match=r"64 x 48 pixels a frame, at most 0.003 megapixels"):
        VideoReader(flat, Limits(pixels=3000))
    with VideoReader(flat, Limits(pixels=4000)) as video, pytest.raises(VideoError, match="128 x 48"):
        next(iter(video))


def test_names_and_metadata_that_are_not_utf8(tmp_path):
    source = make_video(tmp_path / "clip.mp4", title="a title")
    replace_bytes(source, b"a title", b"\xff\xe9itle\xe9")
    odd = source.rename(tmp_path / os.fsdecode(b"ren\xe9e.mp4"))
    frames, remarks = copy(odd, tmp_path / os.fsdecode(b"out-\xe9.mp4"))
    assert len(frames) == 10
    assert remarks == []
    assert (tmp_path / os.fsdecode(b"out-\xe9.mp4")).stat().st_size > 1000


@pytest.mark.parametrize(("size", "matrix"), [((720, 1280), 1), ((1280, 720), 1), ((480, 640), 6)])
def test_colors_survive_and_are_tagged(tmp_path, size, matrix):
    color = np.array((200, 50, 20))
    path = tmp_path / "color.mp4"
    with VideoWriter(path, Fraction(10)) as out:
        out.write(Frame(np.tile(color.astype(np.uint8), (*size, 1)), 0))
    with av.open(str(path)) as file:
        codec = file.streams.video[0].codec_context
        assert (codec.colorspace, codec.color_range, codec.color_primaries, codec.color_trc) == (
            matrix,
            1,
            1,
            1,
        )
        # An independent conversion of the stored bytes, with the coefficients of the standard.
        planes = next(file.decode(video=0)).to_ndarray(format="yuv444p")[:, 100, 100].astype(float)
    y, cb, cr = (planes - (16, 128, 128)) / (219, 224, 224)
    red, blue = (0.2126, 0.0722) if matrix == 1 else (0.299, 0.114)
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    rgb = np.array((r, (y - red * r - blue * b) / (1 - red - blue), b)) * 255
    np.testing.assert_allclose(rgb, color, atol=5)
    with VideoReader(path) as video:
        np.testing.assert_allclose(next(iter(video)).image[100, 100], color, atol=5)
