"""Drawn patterns, such as walls, fabrics and print: backgrounds without faces that resemble some."""

from __future__ import annotations

import string

import cv2
import numpy as np
from numpy.typing import NDArray


def random_pattern(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """A square (side, side, 3) of waves, tiles, rings, dots or print, in two colors and a little noise."""
    draw = (_waves, _tiles, _rings, _dots, _print)[int(rng.integers(5))]
    share = draw(rng, side)[..., None]
    dark, light = rng.uniform(0, 255, (2, 1)) + rng.normal(0, rng.choice([10, 60]), (2, 3))
    picture = dark + (light - dark) * share + rng.normal(0, rng.uniform(0, 12), (side, side, 1))
    return picture.clip(0, 255).astype(np.uint8)


def _grid(rng: np.random.Generator, side: int) -> tuple[NDArray, NDArray]:
    """Coordinates along two rotated axes, in pixels."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    angle = rng.uniform(0, np.pi) if rng.random() < 0.5 else 0.0
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _waves(rng: np.random.Generator, side: int) -> NDArray:
    x, y = _grid(rng, side)
    length, other = np.exp(rng.uniform(np.log(4), np.log(60), 2))
    wave = np.sin(x * 2 * np.pi / length)
    if rng.random() < 0.5:
        wave = wave * np.sin(y * 2 * np.pi / other)
    return (wave > 0).astype(np.float32) if rng.random() < 0.5 else (wave + 1) / 2


def _tiles(rng: np.random.Generator, side: int) -> NDArray:
    """Bricks or tiles, each in a shade of its own, with joints."""
    x, y = _grid(rng, side)
    height = np.exp(rng.uniform(np.log(6), np.log(50)))
    width = height * rng.uniform(0.8, 3)
    row = np.floor(y / height)
    x = x + row * width * rng.choice([0.0, 0.5])
    column = np.floor(x / width)
    shade = np.abs(np.sin(row * 12.9898 + column * 78.233) * 43758.5453) % 1
    joint = ((y % height) < 0.1 * height) | ((x % width) < 0.1 * height)
    return np.where(joint, rng.uniform(0, 1), 0.3 + 0.5 * shade * rng.uniform(0, 1))


def _rings(rng: np.random.Generator, side: int) -> NDArray:
    x, y = _grid(rng, side)
    cx, cy = rng.uniform(0, side, 2)
    radius = np.hypot((x - cx) * rng.uniform(0.6, 1.6), y - cy)
    return (np.sin(radius * 2 * np.pi / np.exp(rng.uniform(np.log(6), np.log(60)))) + 1) / 2


def _dots(rng: np.random.Generator, side: int) -> NDArray:
    """Round objects of one size, some with a shade: coins, cells, pebbles, buttons."""
    canvas = np.zeros((side, side), np.float32)
    largest = np.exp(rng.uniform(np.log(3), np.log(30)))
    for _ in range(int(rng.integers(3, 60))):
        center = tuple(int(v) for v in rng.integers(0, side, 2))
        radius = int(max(1, largest * rng.uniform(0.6, 1)))
        cv2.circle(canvas, center, radius, float(rng.uniform(0.4, 1)), -1 if rng.random() < 0.7 else 2)
    return cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.3, 2)).astype(np.float32)


def _print(rng: np.random.Generator, side: int) -> NDArray:
    canvas = np.zeros((side, side), np.float32)
    scale = float(np.exp(rng.uniform(np.log(0.3), np.log(2))))
    step, letters = max(8, int(26 * scale)), list(string.ascii_letters + string.digits + "   .,:;-()%&")
    for y in range(step, side + step, step):
        line = "".join(rng.choice(letters, 40))
        cv2.putText(
            canvas,
            line,
            (int(rng.integers(-20, 5)), y),
            int(rng.integers(0, 5)),
            scale,
            1.0,
            max(1, int(2 * scale)),
        )
    return canvas
