"""VideoReader: the frames of a video as they are meant to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fkp.errors import VideoError
from fkp.runtime.media.colors import is_full_range, matrix_of
from fkp.runtime.media.containers import decoded, explained, frame_time, open_input, picture_stream

MAX_PIXELS = 50_000_000  # of a frame
_DEFAULT_RATE = Fraction(25)
_MOST_STRETCH = 16  # of a pixel: a header that claims more is wrong
_MOST_DAMAGE = 10_000  # packets in a row without a frame
_CUT_OFF = 0.5  # seconds that may be missing at the end: headers are not exact


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture of a video: RGB uint8 (H, W, 3), and its time in seconds after the first one."""

    image: NDArray[np.uint8]
    time: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a video is read; the rest is left out, and a remark says so.

    Attributes:
        seconds: frames at this time and later are left out; None for no limit.
        frames: the most frames; None for no limit.
        pixels: a video with more pixels a frame is refused.
    """

    seconds: float | None = None
    frames: int | None = None
    pixels: int = MAX_PIXELS


class VideoReader:
    """Iterates over the frames of a video's first picture stream, once. A context manager.

    Frames are upright (all eight display matrices), have square pixels, and all have the size of the first.
    Their times rise from 0.

    Attributes:
        rate: frames a second, on average.
        frames: about how many frames will come, within the limits; None where the file does not say.
        remarks: what is wrong with the video though it could be read, each one clause such as
            "is cut off: ..." that follows the file's name. Complete when the iteration ends.
    """

    rate: Fraction
    frames: int | None
    remarks: list[str]

    def __init__(self, path: Path, limits: Limits = Limits()) -> None:
        """Open a video and read its header.

        Raises:
            VideoError: it cannot be opened, has no pictures or none that can be decoded, or is too large.
        """
        self._path = path
        self._limits = limits
        self.remarks = []
        _check_file(path)
        with ExitStack() as stack:
            with explained(path, "is damaged or not a video"):
                self._container = stack.enter_context(open_input(path))
            stream = picture_stream(self._container)
            if stream is None:
                raise VideoError(f"{path} holds no pictures")
            if stream.codec_context is None:
                raise VideoError(f"{path} holds pictures in a format that cannot be decoded here")
            self._stream = stream
            self._check_size(stream.codec_context.width, stream.codec_context.height)
            self.rate = stream.average_rate or stream.guessed_rate or _DEFAULT_RATE
            self._seconds = _length(self._container, stream)
            self._declared = stream.frames or round(self._seconds * self.rate)
            most = limits.frames if limits.seconds is None else round(limits.seconds * self.rate)
            self.frames = min(self._declared, most or self._declared, limits.frames or self._declared) or None
            stack.pop_all()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order.

        Raises:
            VideoError: no frame can be decoded, or one is too large.
        """
        count, time = 0, 0.0
        geometry = _Geometry(self._stream)
        size: tuple[int, int] | None = None
        resized = False
        for frame, time in self._timed():
            if self._reached(count, time):
                return
            self._check_size(*geometry.square(frame))
            image = geometry.upright(frame)
            size = size or image.shape[:2]
            if image.shape[:2] != size:
                image, resized = _fit(image, size), True
            yield Frame(image, time)
            count += 1
        if not count:
            raise VideoError(f"{self._path} is damaged: it holds no frame that can be read")
        if resized and size:
            self.remarks.append(
                f"changes its frame size: later frames were fitted into {size[1]} x {size[0]}"
            )
        self._check_end(count, time)

    def _timed(self) -> Iterator[tuple[av.VideoFrame, float]]:
        """The decoded frames and their times, which rise from 0 even where the file's clock jumps back."""
        step = 1 / self.rate
        start: Fraction | None = None
        last, damaged, in_a_row = -step, 0, 0
        with explained(self._path, "cannot be read"):
            for frames in self._packets():
                damaged += frames is None
                in_a_row = 0 if frames else in_a_row + 1
                if in_a_row > _MOST_DAMAGE:
                    break
                for frame in frames or ():
                    clock = frame_time(frame)
                    if start is None:
                        start = clock or Fraction(0)
                    time = last + step if clock is None else clock - start
                    if time <= last:
                        start -= last + step - time
                        time = last + step
                    last = time
                    yield frame, float(time)
        if damaged:
            self.remarks.append(f"is damaged: {damaged} part{'s' * (damaged > 1)} without a picture left out")

    def _packets(self) -> Iterator[list[av.VideoFrame] | None]:
        try:
            yield from decoded(self._container, self._stream)
        except av.error.InvalidDataError:  # the container itself ends in damaged data
            yield None

    def _reached(self, count: int, time: float) -> bool:
        limits = self._limits
        if limits.seconds is not None and time >= limits.seconds:
            self.remarks.append(f"is longer than {limits.seconds:g} seconds: only its beginning was used")
        elif limits.frames is not None and count >= limits.frames:
            self.remarks.append(f"has more than {limits.frames:,} frames: only the first ones were used")
        else:
            return False
        return True

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._limits.pixels:
            most = f"at most {self._limits.pixels / 1e6:.3g} megapixels"
            raise VideoError(f"{self._path} is too large: {width} x {height} pixels a frame, {most}")

    def _check_end(self, count: int, time: float) -> None:
        missing = self._seconds - (time + 1 / self.rate)
        if missing > _CUT_OFF or (self._stream.frames and count < 0.9 * self._stream.frames):
            self.remarks.append(f"is cut off: {count} of about {self._declared} frames could be read")


class _Geometry:
    """How stored frames become upright ones with square pixels."""

    def __init__(self, stream: av.VideoStream) -> None:
        self._stream = stream
        self._aspects: dict[tuple[int, int], Fraction] = {}

    def square(self, frame: av.VideoFrame) -> tuple[int, int]:
        """(width, height) of a frame whose pixels are made square by enlarging it."""
        aspect = self._aspect(frame)
        if aspect > 1:
            return round(frame.width * aspect), frame.height
        return frame.width, round(frame.height / aspect)

    def upright(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """The frame as RGB uint8 (H, W, 3)."""
        width, height = self.square(frame)
        image = frame.to_ndarray(
            format="rgb24",
            width=width,
            height=height,
            src_colorspace=matrix_of(frame),
            src_color_range="JPEG" if is_full_range(frame) else "MPEG",
        )
        return np.ascontiguousarray(_turned(np.asarray(image, np.uint8), frame))

    def _aspect(self, frame: av.VideoFrame) -> Fraction:
        """Width over height of a stored pixel.

        The decoder runs ahead of its frames, so what it says counts from the first frame of a size on.
        """
        size = (frame.width, frame.height)
        if size not in self._aspects:
            says = self._stream.codec_context if self._aspects else self._stream
            aspect = says.sample_aspect_ratio or Fraction(1)
            plausible = Fraction(1, _MOST_STRETCH) <= aspect <= _MOST_STRETCH
            self._aspects[size] = aspect if plausible else Fraction(1)
        return self._aspects[size]


def _turned(image: NDArray[np.uint8], frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The picture rotated and mirrored by its display matrix, to the nearest of the eight ways.

    The matrix takes a stored pixel (p, q) to (a p + c q, b p + d q).
    """
    # PyAV's type hints call this mapping a dictionary of other types.
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return image
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].astype(int).tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):
        image, a, d = image.transpose(1, 0, 2), c, b
    return image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _fit(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture scaled into the middle of a black one of (H, W)."""
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    small = (max(1, round(height * scale)), max(1, round(width * scale)))
    top, left = (size[0] - small[0]) // 2, (size[1] - small[1]) // 2
    fitted = np.zeros((*size, 3), np.uint8)
    fitted[top : top + small[0], left : left + small[1]] = cv2.resize(
        image, small[::-1], interpolation=cv2.INTER_AREA
    )
    return fitted


def _length(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Seconds of a stream as its file declares them; 0 where it does not."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Matroska declares one length for all, and counts it from 0 wherever the video starts.
    return max(0.0, ((container.duration or 0) - (container.start_time or 0)) / av.time_base)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise VideoError(f"{path} does not exist")
    if path.is_dir():
        raise VideoError(f"{path} is a folder, not a video")
    if not path.is_file():
        raise VideoError(f"{path} is not a regular file")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is an empty file")
