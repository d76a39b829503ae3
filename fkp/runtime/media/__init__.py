"""Videos in and out: upright RGB frames with their times, and MP4 files that browsers play."""

from fkp.runtime.media.reading import Frame, Limits, VideoReader
from fkp.runtime.media.writing import VideoWriter

__all__ = ["Frame", "Limits", "VideoReader", "VideoWriter"]
