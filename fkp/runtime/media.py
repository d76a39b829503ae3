"""Videos in and out: upright RGB frames with their times, and MP4 files that browsers play."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray

from fkp.errors import VideoError
from fkp.images import MAX_PIXELS

# A video may come from a stranger: playlists that name other files or addresses stay shut.
_READ_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,gif,m4v",
}
_CLOCK = Fraction(1, 90_000)  # the written video's unit of time
_UNWRITABLE = "cannot be written"
_COPIED_AUDIO = ("aac", "mp3", "ac3")  # what MP4 players take; other sound is encoded anew


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video's header says.

    Attributes:
        rate: frames a second, on average.
        frames: their number as far as it is known beforehand, else None.
    """

    rate: Fraction
    frames: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture of a video: upright RGB uint8 (H, W, 3), and its time in seconds."""

    image: NDArray[np.uint8]
    time: float


def probe(path: Path) -> VideoInfo:
    """The frame rate and length of a video.

    Raises:
        VideoError: it cannot be opened, or holds no pictures.
    """
    with _open(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        frames = stream.frames or round((container.duration or 0) / av.time_base * rate)
        return VideoInfo(rate, frames or None)


def read_frames(path: Path) -> Iterator[Frame]:
    """The frames of a video's first picture stream, in order, turned as its metadata says.

    Raises:
        VideoError: it cannot be opened, holds no pictures, or is damaged on the way.
    """
    with _open(path) as container:
        count = 0
        for frame in container.decode(video=0):
            image = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
            time = frame.time if frame.time is not None else count / 25
            yield Frame(np.ascontiguousarray(image), time)
            count += 1
        if not count:
            raise VideoError(f"{path} holds no frame that can be read")


@contextmanager
def _explained(path: Path, problem: str) -> Iterator[None]:
    """Turns FFmpeg's errors into a VideoError that says what is wrong with the file."""
    try:
        yield
    except av.FFmpegError as error:
        raise VideoError(f"{path} {problem}: {error.strerror}") from error


@contextmanager
def _open(path: Path) -> Iterator[av.container.InputContainer]:
    """An open video; whatever goes wrong with it while it is open becomes a VideoError."""
    if not path.exists():
        raise VideoError(f"{path} does not exist")
    if path.is_dir():
        raise VideoError(f"{path} is a folder, not a video")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is an empty file")
    with (
        _explained(path, "is damaged or no video"),
        av.open(str(path.absolute()), options=_READ_OPTIONS) as container,
    ):
        if not container.streams.video:
            raise VideoError(f"{path} holds no pictures")
        size = container.streams.video[0].codec_context
        if size.width * size.height > MAX_PIXELS:
            raise VideoError(f"{path} is too large: {size.width} x {size.height} pixels a frame")
        yield container


class VideoWriter:
    """Writes frames to an H.264 MP4, with the sound of another video beneath them.

    A context manager; after an error it leaves no file behind. Sound is copied where MP4 can hold it,
    else encoded as AAC, and ends with the last frame. Frames of odd size gain a row or a column.
    """

    def __init__(self, path: Path, rate: Fraction, sound_of: Path | None = None) -> None:
        self._path = path
        self._rate = rate
        self._sound_of = sound_of
        self._stream: av.VideoStream | None = None
        self._sound: _Sound | None = None
        self._last = -1

    def __enter__(self) -> VideoWriter:
        try:
            self._path.touch()  # FFmpeg itself opens the file with the first frame only
        except OSError as error:
            raise VideoError(f"{self._path} {_UNWRITABLE}: {error.strerror}") from error
        self._out = av.open(str(self._path.absolute()), "w", format="mp4", options={"movflags": "faststart"})
        return self

    def write(self, frame: Frame) -> None:
        """Add a frame; all have one size, and their times rise.

        Raises:
            VideoError: the video or its sound cannot be written, the sound not be read, or the frame has
                another size than the first.
        """
        height, width = frame.image.shape[:2]
        image = np.pad(frame.image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(image, format="rgb24")
        self._last = max(self._last + 1, round(frame.time / _CLOCK))
        picture.pts, picture.time_base = self._last, _CLOCK
        with _explained(self._path, _UNWRITABLE):
            if self._stream is None:
                self._stream = self._add_stream(picture.width, picture.height)
                # Every stream has to be there before the first packet is written.
                self._sound = _Sound(self._out, self._sound_of) if self._sound_of else None
            codec = self._stream.codec_context
            if (picture.width, picture.height) != (codec.width, codec.height):
                raise VideoError(f"{self._path} {_UNWRITABLE}: the size of the frames changes on the way")
            self._out.mux(self._stream.encode(picture))
            if self._sound:
                self._sound.write_until(frame.time)

    def _add_stream(self, width: int, height: int) -> av.VideoStream:
        stream = self._out.add_stream("libx264", rate=self._rate, options={"crf": "20", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = _CLOCK
        return stream

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        complete = False
        try:
            if kind is None and self._stream is not None:
                with _explained(self._path, _UNWRITABLE):
                    self._out.mux(self._stream.encode(None))
                    if self._sound:
                        self._sound.finish(float(self._last * _CLOCK + 1 / self._rate))
                complete = True
        finally:
            if self._sound:
                self._sound.close()
            self._out.close()
            if not complete:
                self._path.unlink(missing_ok=True)


class _Sound:
    """Carries the first audio stream of a video, where it has one, into an output while time goes on."""

    def __init__(self, out: av.container.OutputContainer, path: Path) -> None:
        self._out = out
        self._in = av.open(str(path.absolute()), options=_READ_OPTIONS)
        self._next: av.Packet | None = None
        self._encoder: av.AudioStream | None = None
        if not self._in.streams.audio:
            return
        self._source = source = self._in.streams.audio[0]
        if source.codec_context.name in _COPIED_AUDIO:
            self._target = out.add_stream_from_template(source)
        else:
            self._target = self._encoder = out.add_stream("aac", rate=source.codec_context.sample_rate)
        self._packets = self._in.demux(source)
        self._next = next(self._packets, None)

    def write_until(self, time: float) -> None:
        # The last packet of a stream has no time: it only empties the decoder.
        while self._next is not None and (
            self._next.pts is None or self._next.pts * self._next.time_base <= time
        ):
            if self._encoder:
                for frame in self._source.decode(self._next):
                    self._out.mux(self._encoder.encode(frame))
            elif self._next.pts is not None:
                self._next.stream = self._target
                self._out.mux(self._next)
            self._next = next(self._packets, None)

    def finish(self, time: float) -> None:
        self.write_until(time)
        if self._encoder:
            self._out.mux(self._encoder.encode(None))

    def close(self) -> None:
        self._in.close()
