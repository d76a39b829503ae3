"""Small videos that several test files share."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = Fraction(10)


def make_video(
    path: Path, size=(48, 64), frames=10, codec="libx264", sound: str | None = None, rotation=0
) -> Path:
    """A dark video whose left half brightens, with a tone beneath it."""
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=RATE)
        video.height, video.width, video.pix_fmt = *size, "yuv420p"
        if rotation:
            video.set_display_rotation(rotation)
        audio = out.add_stream(sound, rate=48_000) if sound else None
        for number in range(frames):
            image = np.zeros((*size, 3), np.uint8)
            image[:, : size[1] // 2] = 80 + 5 * number
            out.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(video.encode(None))
        if audio:
            out.mux(packet for frame in tone(frames / RATE) for packet in audio.encode(frame))
            out.mux(audio.encode(None))
    return path


def tone(seconds: Fraction):
    """Frames of a 440 Hz tone."""
    wave = (8000 * np.sin(np.arange(int(48_000 * seconds)) * 2 * np.pi * 440 / 48_000)).astype(np.int16)
    for start in range(0, len(wave) - 959, 960):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, start
        yield frame


def streams(path: Path) -> dict[str, tuple]:
    """Kind of stream -> codec and length in seconds."""
    with av.open(str(path)) as file:
        return {s.type: (s.codec_context.name, float((s.duration or 0) * s.time_base)) for s in file.streams}
