"""Small videos that several test files share."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = Fraction(10)


UPRIGHT = (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)


def make_video(
    path: Path,
    size=(48, 64),
    frames=10,
    codec="libx264",
    sound: str | None = None,
    matrix=UPRIGHT,
    aspect: Fraction | None = None,
    start=0,
    title="",
    sound_rate=48_000,
) -> Path:
    """A dark video whose left half brightens, with a tone beneath it; it starts at `start` seconds."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as out:
        out.metadata["title"] = title
        video = out.add_stream(codec, rate=RATE)
        video.height, video.width, video.pix_fmt = *size, "yuv420p"
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if matrix != UPRIGHT:
            video.set_display_matrix(matrix)
        audio = out.add_stream(sound, rate=sound_rate) if sound else None
        for number in range(frames):
            image = np.zeros((*size, 3), np.uint8)
            image[:, : size[1] // 2] = 80 + 5 * number
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = number + round(start * RATE), 1 / RATE
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
        if audio:
            for frame in tone(frames / RATE, sound_rate):
                frame.pts += start * sound_rate
                out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
    return path


def tone(seconds: Fraction, rate=48_000):
    """Frames of a 440 Hz tone."""
    wave = (8000 * np.sin(np.arange(int(rate * seconds)) * 2 * np.pi * 440 / rate)).astype(np.int16)
    for start in range(0, len(wave) - 959, 960):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame


def streams(path: Path) -> dict[str, tuple]:
    """Kind of stream -> codec and length in seconds."""
    with av.open(str(path)) as file:
        return {s.type: (s.codec_context.name, float((s.duration or 0) * s.time_base)) for s in file.streams}


def heard(path: Path) -> np.ndarray:
    """The sound of a video, (N,) of its first channel."""
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
