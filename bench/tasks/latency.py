"""Latency of exported models: the network alone, one face, and the whole way to a drawn picture."""

from __future__ import annotations

import dataclasses
import itertools
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench import host
from bench.cache import Cache, Key, cache_key, cached
from bench.candidates import Candidate
from bench.detectors import detector_hash
from bench.rows import LatencyRow
from bench.tasks.memory import peak_memory
from bench.tasks.peak import peak
from bench.timing import Clock, Effort, interleaved_times, statistics, stopwatch, time_runs
from fkp.images import load_image
from fkp.runtime.drawing import draw
from fkp.runtime.landmarker import Landmarker
from fkp.runtime.sessions import ModelSession, short_name

PROTOCOL = 1  # increase when times of the same files do not compare with earlier ones
BATCHES = (1, 8, 32)
_STAGES = ("decode", "detect", "crop", "network", "draw")
_PLACES, _MOVES = 64, 0.05  # boxes around the drawn face, and how far they are off, in sides


REDUCED = Effort(runs=50, seconds=0.3, most_seconds=3.0)
QUICK = Effort(runs=10, seconds=0.05, most_seconds=0.5)


def measure(
    candidate: Candidate,
    providers: Sequence[str],
    threads: Sequence[int],
    batches: Sequence[int],
    effort: Effort,
    cache: Cache,
) -> list[LatencyRow]:
    """One row per provider, number of threads and batch size, and one for the whole way of each.

    Args:
        candidate: one with a file.
        providers: short names, all of them installed.
        threads: numbers of threads to try.
        batches: numbers of faces that the network gets at once.
        effort: how long to measure.
        cache: rows of the same file, machine, versions and settings are taken from there.
    """
    settings = [list(providers), list(threads), list(batches), [effort.runs, effort.seconds]]
    detector = detector_hash()  # of the whole way
    key = _key("latency", model=candidate.names, detector=detector, settings=settings)
    return _cached_rows(cache, key, lambda: _measure(candidate, providers, threads, batches, effort))


def _key(task: str, **parts: Any) -> Key:
    machine = [host.host_kind(), host.usable_cores(), host.versions()]
    return cache_key(task, PROTOCOL, host=machine, **parts)


def _cached_rows(cache: Cache, key: Key, measure_rows: Callable[[], list[LatencyRow]]) -> list[LatencyRow]:
    """Rows from the cache, or else measured; those of a busy machine are not kept."""

    def decode(rows: list[dict[str, Any]]) -> list[LatencyRow]:
        return [LatencyRow(**row) for row in rows]

    return cached(cache, {0: key}, decode, lambda _: {0: measure_rows()}, lambda rows: not was_busy(rows))[0]


def was_busy(rows: Iterable[LatencyRow]) -> bool:
    """Whether other work took its share of the machine while times were taken."""
    return max((row.load or 0 for row in rows), default=0) > host.usable_cores() + 0.5


def _measure(
    candidate: Candidate,
    providers: Sequence[str],
    threads: Sequence[int],
    batches: Sequence[int],
    effort: Effort,
) -> list[LatencyRow]:
    if candidate.path is None or candidate.spec is None:
        raise ValueError(f"{candidate.name} has no file whose latency could be measured")
    facts: dict[str, Any] = candidate.names | {
        "file_mb": candidate.path.stat().st_size / 1e6,
        "parameters": candidate.spec.parameters,
        "multiply_adds": candidate.spec.multiply_adds,
        **host.facts(),
    }
    rows = []
    settings = [(provider, count) for provider in providers for count in threads]
    for provider, count in tqdm(settings, desc=f"latency of {candidate.name}", unit="setting"):
        start = time.perf_counter()
        session = _session(candidate.path, provider, count)
        load_ms = (time.perf_counter() - start) * 1000
        ran = short_name(session.providers[0])
        if ran != provider:  # ONNX Runtime fell back to another one
            tqdm.write(f"{provider} cannot be started for {candidate.name}: no row of it")
            continue
        shared = facts | {
            "provider": ran,
            "threads": count,
            "load_ms": load_ms,
            "memory_mb": peak_memory(candidate.path, provider, count),
        }
        for batch in batches:
            times = time_runs(_network_clock(session, batch), effort)
            row = LatencyRow(**shared, kind="network", batch=batch, **_figures(times, batch))
            if ran == "cpu" and candidate.spec.multiply_adds:
                done = candidate.spec.multiply_adds * row.faces_per_s
                best = peak(candidate.precision, count)
                row = replace(row, gmacs_per_s=done / 1e9, peak_share=100 * done / best)
            rows.append(row)
        landmarker = Landmarker(candidate.path, provider, count)
        rows.append(LatencyRow(**shared, kind="whole", batch=1, **_whole(landmarker, effort)))
    return rows


def face_clock(candidate: Candidate, threads: int) -> Clock:
    """Time a candidate from a picture and a face's box to its points; a baseline by its own clock."""
    image, boxes = _moving_face()
    if (milliseconds := candidate.milliseconds) is not None:
        return lambda: milliseconds(image, [next(boxes)])
    landmarker = Landmarker(candidate.path or "", candidate.provider, threads)
    return stopwatch(lambda: landmarker.predict(image, [next(boxes)]))


def _moving_face() -> tuple[NDArray[np.uint8], Iterator[NDArray]]:
    """A drawn face, and its box, which moves in each run: regression trees that get the same face again have
    their branches in the processor's cache."""
    encoded, box = _drawn_face()
    moves = np.random.default_rng(0).normal(0, _MOVES * (box[2] - box[0]), (_PLACES, 2))
    return load_image(encoded), itertools.cycle(np.asarray(box) + np.tile(moves, 2))


def measure_faces(
    candidates: Sequence[Candidate], threads: int, rounds: int, cache: Cache
) -> list[LatencyRow]:
    """One row per candidate: from a picture and a face's box to its points, interleaved.

    Only so do the times of many models compare: the clock of a machine wanders.

    Args:
        candidates: models on their providers, and baselines.
        threads: of the models.
        rounds: how often each candidate is timed.
        cache: rows of the same candidates, machine, versions and settings are taken from there.
    """
    models = [candidate.names for candidate in candidates]
    key = _key("faces in turns", models=models, settings=[threads, rounds])

    def measure_rows() -> list[LatencyRow]:
        times = interleaved_times([face_clock(candidate, threads) for candidate in candidates], rounds)
        rows = []
        for candidate, own in zip(candidates, times, strict=True):
            facts: dict[str, Any] = candidate.names | host.facts(candidate.versions)
            rows.append(LatencyRow(**facts, kind="face", threads=threads, batch=1, **_figures(own, 1)))
        return rows

    return _cached_rows(cache, key, measure_rows)


def _figures(times: NDArray, batch: int) -> dict[str, Any]:
    """The columns that describe milliseconds per call of `batch` faces."""
    figures = statistics(times)
    return dataclasses.asdict(figures) | {"faces_per_s": batch * 1000 / figures.median_ms}


def _session(path: Path, provider: str, threads: int) -> ModelSession:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # its row is left out instead
        return ModelSession(path, provider, threads)


def _network_clock(session: ModelSession, batch: int) -> Clock:
    shape = (batch, *session.spec.input_size, 3)
    crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return stopwatch(lambda: session.run(crops))


def _whole(landmarker: Landmarker, effort: Effort) -> dict[str, Any]:
    """The columns of the way from an encoded 640x480 picture to one with landmarks drawn in, by stages.

    The picture is drawn, so that it is the same everywhere; its face's box is known, so that the
    network runs whatever the detector thinks of the drawing.
    """
    encoded, box = _drawn_face()
    stages: Mapping[str, list[float]] = {name: [] for name in _STAGES}

    def run() -> None:
        marks = [time.perf_counter()]
        image = load_image(encoded)
        marks.append(time.perf_counter())
        landmarker.detect(image)
        marks.append(time.perf_counter())
        analysis = landmarker.analyze(image, [box])
        marks.append(time.perf_counter())
        draw(image, analysis.faces)
        marks.append(time.perf_counter())
        decode, detect, _, drawing = np.diff(marks) * 1000
        timings = analysis.timings
        values = (decode, detect, timings["crop"], timings["network"], drawing)
        for name, value in zip(_STAGES, values, strict=True):
            stages[name].append(value)

    times = time_runs(stopwatch(run), effort)
    counted = {name: values[-len(times) :] for name, values in stages.items()}  # without the warm-up
    return _figures(times, 1) | {f"{name}_ms": float(np.median(values)) for name, values in counted.items()}


def _drawn_face() -> tuple[bytes, tuple[float, float, float, float]]:
    """A JPEG of 640x480 pixels with a drawn face, and its canonical box."""
    image = np.random.default_rng(0).integers(90, 130, (480, 640, 3), np.uint8)
    cv2.ellipse(image, (320, 240), (95, 125), 0, 0, 360, (150, 180, 225), -1, cv2.LINE_AA)
    for x in (282, 358):
        cv2.ellipse(image, (x, 185), (24, 6), 0, 0, 360, (60, 70, 90), -1, cv2.LINE_AA)
        cv2.ellipse(image, (x, 212), (20, 10), 0, 0, 360, (40, 45, 60), -1, cv2.LINE_AA)
    cv2.line(image, (320, 215), (320, 265), (120, 140, 180), 8, cv2.LINE_AA)
    cv2.ellipse(image, (320, 310), (38, 12), 0, 0, 360, (70, 70, 150), -1, cv2.LINE_AA)
    encoded = cv2.imencode(".jpg", cv2.GaussianBlur(image, (5, 5), 0))[1]
    return encoded.tobytes(), (228.0, 178.0, 412.0, 362.0)
