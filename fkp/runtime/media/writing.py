"""VideoWriter: frames as an MP4 that browsers play."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np

from fkp.atomic import draft_of
from fkp.errors import VideoError
from fkp.runtime.media.colors import tag, to_yuv
from fkp.runtime.media.containers import explained
from fkp.runtime.media.reading import Frame
from fkp.runtime.media.sound import Sound

_CLOCK = Fraction(1, 90_000)  # the written video's unit of time
_UNWRITABLE = "cannot be written"


class VideoWriter:
    """Writes frames to an H.264 MP4, with the sound of another video.

    A context manager; the file appears when it is complete, and after an error not at all. Colors are
    BT.709 for high definition and BT.601 below, and tagged. Frames of odd size gain a row or a column.
    Sound becomes AAC of 48 kHz, starts with the first frame of the video that it is taken from, and ends
    with the last one written; sound that cannot be read is left out.

    Attributes:
        remarks: what could not be taken over, as in `VideoReader`; complete when the context ends.
    """

    remarks: list[str]

    def __init__(self, path: Path, rate: Fraction, sound_of: Path | None = None) -> None:
        self._path = path
        self._rate = rate
        self._sound_of = sound_of
        self._stream: av.VideoStream | None = None
        self._sound: Sound | None = None
        self._last = -1
        self.remarks = []

    def __enter__(self) -> VideoWriter:
        try:
            self._draft = draft_of(self._path)
            draft = self._draft.__enter__()
        except OSError as error:
            raise VideoError(f"{self._path} {_UNWRITABLE}: {error.strerror}") from error
        self._out = av.open(str(draft.absolute()), "w", format="mp4", options={"movflags": "faststart"})
        return self

    def write(self, frame: Frame) -> None:
        """Add a frame; all have one size, and their times rise.

        Raises:
            VideoError: the video cannot be written.
            ValueError: the frame is not (H, W, 3), or has another size than the first.
        """
        height, width = frame.image.shape[:2]
        image = np.pad(frame.image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = to_yuv(av.VideoFrame.from_ndarray(image, format="rgb24"))
        self._last = max(self._last + 1, round(frame.time / _CLOCK))
        picture.pts, picture.time_base = self._last, _CLOCK
        with explained(self._path, _UNWRITABLE):
            if self._stream is None:
                self._stream = self._add_stream(picture.width, picture.height)
                # Every stream has to be there before the first packet is written.
                self._sound = Sound(self._out, self._sound_of, self.remarks) if self._sound_of else None
            codec = self._stream.codec_context
            if (picture.width, picture.height) != (codec.width, codec.height):
                raise ValueError("all frames of a video have one size")
            self._out.mux(self._stream.encode(picture))
            if self._sound:
                self._sound.write_until(frame.time)

    def _add_stream(self, width: int, height: int) -> av.VideoStream:
        stream = self._out.add_stream("libx264", rate=self._rate, options={"crf": "20", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = _CLOCK
        tag(stream.codec_context)
        return stream

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        complete = False
        try:
            with explained(self._path, _UNWRITABLE):
                if kind is None and self._stream is not None:
                    self._out.mux(self._stream.encode(None))
                    if self._sound:
                        self._sound.finish(float(self._last * _CLOCK + 1 / self._rate))
                    self._out.close()
                    complete = True
        finally:
            if self._sound:
                self._sound.close()
            self._close(complete)

    def _close(self, complete: bool) -> None:
        if complete:
            self._draft.__exit__(None, None, None)
            return
        with suppress(av.FFmpegError):  # what cannot be written cannot be finished either
            self._out.close()
        with suppress(_DiscardedError):
            self._draft.__exit__(_DiscardedError, _DiscardedError(), None)


class _DiscardedError(Exception):
    """The draft of a video is deleted."""
