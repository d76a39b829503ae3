"""The color matrices of videos: BT.709 for high definition, BT.601 below, unless a file says otherwise."""

from __future__ import annotations

import av
from av.video.reformatter import ColorRange, Colorspace

_HD_WIDTH, _HD_HEIGHT = 1280, 720
_UNSPECIFIED = 2
_SMPTE170M = 6  # BT.601 by another name
_BT709 = 1  # primaries and transfer: RGB pictures are taken as they are


def is_high_definition(width: int, height: int) -> bool:
    """Whether frames of this size, however they are turned, are taken as BT.709."""
    return max(width, height) >= _HD_WIDTH or min(width, height) >= _HD_HEIGHT


def matrix_of(frame: av.VideoFrame) -> int:
    """The matrix that a frame was made with: what it says, else what its size suggests."""
    if frame.colorspace in list(Colorspace):
        return frame.colorspace
    if frame.colorspace == _UNSPECIFIED and is_high_definition(frame.width, frame.height):
        return Colorspace.ITU709
    return Colorspace.ITU601


def is_full_range(frame: av.VideoFrame) -> bool:
    """Whether black and white are 0 and 255 rather than 16 and 235."""
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith(("yuvj", "rgb", "bgr", "gbr"))


def tag(codec: av.VideoCodecContext) -> None:
    """Write into a stream's header what `to_yuv` makes."""
    high = is_high_definition(codec.width, codec.height)
    codec.colorspace = Colorspace.ITU709 if high else _SMPTE170M
    codec.color_range = ColorRange.MPEG
    codec.color_primaries = codec.color_trc = _BT709


def to_yuv(picture: av.VideoFrame) -> av.VideoFrame:
    """An RGB frame as yuv420p."""
    high = is_high_definition(picture.width, picture.height)
    return picture.reformat(
        format="yuv420p",
        src_color_range="JPEG",
        dst_colorspace=Colorspace.ITU709 if high else Colorspace.ITU601,
        dst_color_range="MPEG",
    )
