"""The demo on a free port with models made for tests, and pictures and videos to give it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
from onnx_models import make_spec, save_constant_model, save_indexed_model
from PIL import Image

FACE = Path(__file__).resolve().parents[1] / "demo" / "examples" / "eileen-collins.jpg"


def save_models(folder: Path) -> None:
    """The models "big" (68 points), "middle" (58), "small" (1), and a damaged one, "broken"."""
    save_constant_model(folder, make_spec("big"))
    save_constant_model(folder, make_spec("middle", "imm58"))
    save_constant_model(folder, make_spec("small", "nose1"))
    save_indexed_model(folder, make_spec("broken"))
    (folder / "broken.onnx").write_bytes(b"damaged")


@contextmanager
def running() -> Iterator[str]:
    """The address of the demo, served as `python app.py` does."""
    from demo.ui import build, launch_options

    page = build()
    _, address, _ = page.launch(quiet=True, **launch_options(page))
    try:
        yield address
    finally:
        page.close(verbose=False)


def face_frames(count: int, size: tuple[int, int] = (480, 640)) -> list[np.ndarray]:
    """The example's face going round in a circle: RGB frames of size (H, W)."""
    face = np.asarray(Image.open(FACE).convert("RGB"))
    height, width = size
    frames = []
    for turn in np.linspace(0, 2 * np.pi, count, endpoint=False):
        shift = (-40 + 30 * np.sin(turn), -60 + 20 * np.cos(turn))
        matrix = np.array([[1.5, 0, shift[0]], [0, 1.5, shift[1]]])
        frames.append(cv2.warpAffine(face, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return frames


def save_video(path: Path, frames: list[np.ndarray], sound: bool = True) -> Path:
    """An MP4 of 10 frames a second, with a tone."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=10, options={"preset": "ultrafast"}) if frames else None
        audio = out.add_stream("aac", rate=16000, layout="mono") if sound else None
        if video:
            video.height, video.width = frames[0].shape[:2]
            video.pix_fmt = "yuv420p"
            for frame in frames:
                out.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            out.mux(video.encode(None))
        if audio:
            seconds = max(len(frames) / 10, 1)
            wave = (np.sin(np.arange(int(16000 * seconds)) / 10) * 8000).astype(np.int16)[None]
            tone = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            tone.sample_rate = 16000
            out.mux(audio.encode(tone))
            out.mux(audio.encode(None))
    return path


def save_camera(path: Path, frames: list[np.ndarray]) -> Path:
    """A video for Chromium's fake camera (Y4M)."""
    height, width = frames[0].shape[:2]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    """A picture as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
