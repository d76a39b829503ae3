"""How video files are opened: with the formats of cameras only, and with every failure as a VideoError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import overload

import av
from av.stream import Disposition

from fkp.errors import VideoError

# A video may come from a stranger: playlists that name other files or addresses are not opened.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,m4v",
}
# What FFmpeg raises about a file; its own errors that also are built-in ones are among the first.
DECODING_ERRORS = (av.FFmpegError, ValueError, NotImplementedError)


def open_input(path: Path) -> av.container.InputContainer:
    """Open a video for reading. Metadata need not be UTF-8.

    Raises:
        av.FFmpegError: it is damaged, or not one of the formats.
    """
    return av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="replace")


@contextmanager
def explained(path: Path, problem: str) -> Iterator[None]:
    """Turn FFmpeg's errors into a VideoError that says what is wrong with the file."""
    try:
        yield
    except av.error.MemoryError as error:
        raise VideoError(f"{path} needs more memory than there is") from error
    except av.FFmpegError as error:
        raise VideoError(f"{path} {problem}: {error.strerror}") from error


def picture_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first stream of moving pictures; the cover picture of a sound file is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    return None


@overload
def decoded(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[list[av.VideoFrame] | None]: ...


@overload
def decoded(
    container: av.container.InputContainer, stream: av.AudioStream
) -> Iterator[list[av.AudioFrame] | None]: ...


def decoded(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
) -> Iterator[list[av.VideoFrame] | list[av.AudioFrame] | None]:
    """The frames of every packet of a stream; None for a packet that is damaged."""
    for packet in container.demux(stream):
        try:
            yield stream.decode(packet)
        except DECODING_ERRORS as error:
            if isinstance(error, av.error.MemoryError):
                raise
            yield None


def first_time(path: Path) -> Fraction:
    """The time, in the file's own clock, of the first picture of a video that can be decoded; else 0."""
    with open_input(path) as container:
        stream = picture_stream(container)
        if stream is not None:
            for frames in decoded(container, stream):
                if frames:
                    return frame_time(frames[0]) or Fraction(0)
    return Fraction(0)


def frame_time(frame: av.VideoFrame | av.AudioFrame) -> Fraction | None:
    """When a frame begins, in seconds of the file's own clock; None where the file does not say."""
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base
