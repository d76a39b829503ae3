"""The sound of one video, added to the pictures of another."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from fkp.runtime.media.containers import DECODING_ERRORS, decoded, first_time, frame_time, open_input

_RATE = 48_000  # Hz: all players take it
_JITTER = 0.1  # seconds by which times may be off before sound is moved


class Sound:
    """Copies the first audio stream of a video into an MP4 as AAC, piece by piece.

    Whatever cannot be decoded is left out, and `remarks` says so: damaged sound does not stop the pictures.
    """

    def __init__(self, out: av.container.OutputContainer, path: Path, remarks: list[str]) -> None:
        """Add an audio stream to `out`, where the video has sound that can be decoded.

        Args:
            out: an MP4 of which no packet is written yet.
            path: the video that the sound is taken from.
            remarks: where clauses about the sound are added.
        """
        self._out = out
        self._remarks = remarks
        self._in: av.container.InputContainer | None = None
        self._parts: Iterator[tuple[int, NDArray[np.float32]]] = iter(())
        self._next: tuple[int, NDArray[np.float32]] | None = None
        self._written = 0  # samples
        self._encoder: av.AudioStream | None = None
        try:
            start = first_time(path)
            self._in = open_input(path)
        except (*DECODING_ERRORS, OSError):
            remarks.append("has sound that cannot be read: it was left out")
            return
        if not self._in.streams.audio:
            return
        source = self._in.streams.audio[0]
        if source.codec_context is None:
            remarks.append("has sound in a format that cannot be decoded here: it was left out")
            return
        self._layout = "mono" if source.codec_context.channels == 1 else "stereo"
        self._parts = self._read(self._in, source, start)
        self._advance()
        if self._next is None:
            return
        if source.codec_context.sample_rate > _RATE:
            remarks.append(
                f"has sound of {source.codec_context.sample_rate / 1000:g} kHz: resampled to 48 kHz"
            )
        self._encoder = out.add_stream("aac", rate=_RATE, layout=self._layout)

    def write_until(self, time: float) -> None:
        """Write what is to be heard before `time` (seconds)."""
        end = round(time * _RATE)
        while self._encoder and self._next is not None and self._next[0] < end:
            at, samples = self._next
            if at - self._written > _JITTER * _RATE or not self._written:
                self._silence(at - self._written)
            self._write(samples)
            self._advance()

    def finish(self, time: float) -> None:
        """Write the rest, up to `time`."""
        self.write_until(time)
        if self._encoder:
            self._out.mux(self._encoder.encode(None))

    def close(self) -> None:
        """Close the video that the sound is taken from."""
        if self._in:
            self._in.close()

    def _advance(self) -> None:
        self._next = next(self._parts, None)

    def _silence(self, samples: int) -> None:
        channels = 1 if self._layout == "mono" else 2
        while samples > 0:
            piece = min(samples, _RATE)
            self._write(np.zeros((channels, piece), np.float32))
            samples -= piece

    def _write(self, samples: NDArray[np.float32]) -> None:
        assert self._encoder is not None
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = _RATE, self._written, Fraction(1, _RATE)
        self._out.mux(self._encoder.encode(frame))
        self._written += samples.shape[1]

    def _read(
        self, container: av.container.InputContainer, source: av.AudioStream, start: Fraction
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Decoded pieces of sound: the place of the first sample after `start`, and (channels, N) samples."""
        damaged, heard, place = 0, False, 0
        kind, resampler = None, None
        try:
            for frames in decoded(container, source):
                damaged += frames is None
                for frame in frames or ():
                    if resampler is None or kind != (frame.format.name, frame.layout.name, frame.sample_rate):
                        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
                        resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=_RATE)
                    clock = frame_time(frame)
                    stated = place if clock is None else round((clock - start) * _RATE)
                    if not heard or abs(stated - place) > _JITTER * _RATE:
                        place = stated
                    frame.pts = None  # places are counted here
                    for piece in resampler.resample(frame):
                        samples = np.asarray(piece.to_ndarray(), np.float32)[:, max(0, -place) :]
                        if samples.shape[1]:
                            heard = True
                            yield max(0, place), samples
                        place += piece.samples
        except DECODING_ERRORS:
            damaged += 1
        if not heard:
            self._remarks.append("has sound that cannot be decoded: it was left out")
        elif damaged:
            self._remarks.append("has damaged sound: the damaged parts were left out")
