"""Charts as inline SVG; colors and fonts come from the page's style, so that they follow its theme."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

Points = Sequence[tuple[float, float]]
Box = tuple[float, float, float, float]  # left, top, right, bottom

_LETTER, _LINE = 5.8, 11.0  # width of a letter and height of a line of a dot's name
# Offsets of a name above or below its dot, the nearest first.
_RISES = [0.0, *(sign * step * _LINE for step in range(1, 12) for sign in (-1, 1))]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its title, its range, and whether it is logarithmic."""

    title: str
    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """The position of a value on the axis, 0 to 1, cut off at its ends."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, 1e-9))
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Round values within the range."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            few, many = (
                [v for d in decades for m in steps if self.low <= (v := m * 10.0**d) <= self.high]
                for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8))
            )
            return few if len(few) > 2 else many
        raw = (self.high - self.low) / 5
        unit = 10 ** math.floor(math.log10(raw))
        step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= raw)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


class Plot:
    """A frame with two axes that lines, dots and labels are put into."""

    def __init__(self, x: Axis, y: Axis, width: int = 640, height: int = 400, title: str = "") -> None:
        self._x, self._y = x, y
        self._dots: list[tuple[float, float, float, str]] = []
        self._left, self._top = 52, 26 if title else 12
        self._width, self._height = width - self._left - 16, height - self._top - 44
        label = escape(title or y.title, quote=True)
        self._parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">']
        if title:
            self._text(self._left, 15, title, "start", "chart-title")
        self._frame()

    def line(self, points: Points, model: str, color: int) -> None:
        """A curve that belongs to a model."""
        path = " ".join(f"{self._px(x):.1f},{self._py(y):.1f}" for x, y in points)
        self._parts.append(
            f'<polyline class="series c{color}" data-model="{escape(model, quote=True)}" points="{path}">'
            f"<title>{escape(model)}</title></polyline>"
        )

    def dot(self, x: float, y: float, radius: float, model: str, color: int, words: str) -> None:
        """A dot with the model's name near it."""
        px, py = self._px(x), self._py(y)
        name = escape(model, quote=True)
        self._parts.append(
            f'<circle class="dot c{color}" data-model="{name}" cx="{px:.1f}" cy="{py:.1f}" r="{radius:.1f}">'
            f"<title>{escape(words)}</title></circle>"
        )
        self._dots.append((px, py, radius, model))

    def steps(self, points: Points) -> None:
        """The Pareto front: a staircase through points sorted by x, whose y falls."""
        (x, y), *others = points
        path = f"M{self._px(x):.1f},{self._py(y):.1f}"
        path += "".join(f"H{self._px(x):.1f}V{self._py(y):.1f}" for x, y in others)
        self._parts.append(f'<path class="front" d="{path}H{self._left + self._width}"/>')

    def svg(self) -> str:
        """The finished chart."""
        self._label_dots()
        return "".join(self._parts) + "</svg>"

    def _label_dots(self) -> None:
        """Write every dot's name at the nearest free place, with a line where that is far."""
        taken = [(x - r, y - r, x + r, y + r) for x, y, r, _ in self._dots]
        for x, y, radius, name in self._dots:
            places = ((side, rise) for rise in _RISES for side in (1, -1))
            boxes = [
                (side, rise, _label_box(x + side * (radius + 4), y + rise, side, name))
                for side, rise in places
            ]
            free = (place for place in boxes if self._is_inside(place[2]) and not _overlaps(place[2], taken))
            side, rise, box = next(free, boxes[0])
            taken.append(box)
            end = x + side * (radius + 4)
            if abs(rise) > _LINE:
                self._parts.append(f'<path class="leader" d="M{x:.1f},{y:.1f}L{end:.1f},{y + rise:.1f}"/>')
            self._text(end, y + rise + _LINE / 3, name, "start" if side > 0 else "end", "dot-label")

    def _is_inside(self, box: Box) -> bool:
        right, bottom = self._left + self._width, self._top + self._height
        return box[0] >= self._left and box[1] >= self._top and box[2] <= right and box[3] <= bottom

    def _px(self, x: float) -> float:
        return self._left + self._x.share(x) * self._width

    def _py(self, y: float) -> float:
        return self._top + (1 - self._y.share(y)) * self._height

    def _frame(self) -> None:
        right, bottom = self._left + self._width, self._top + self._height
        for value in self._x.ticks():
            px = self._px(value)
            self._parts.append(f'<path class="grid" d="M{px:.1f},{self._top}V{bottom}"/>')
            self._text(px, bottom + 16, f"{value:g}", "middle", "tick")
        for value in self._y.ticks():
            py = self._py(value)
            self._parts.append(f'<path class="grid" d="M{self._left},{py:.1f}H{right}"/>')
            self._text(self._left - 6, py + 4, f"{value:g}", "end", "tick")
        self._text(self._left + self._width / 2, bottom + 34, self._x.title, "middle", "axis")
        middle = self._top + self._height / 2
        self._parts.append(
            f'<text class="axis" text-anchor="middle" transform="translate(13 {middle:.0f}) rotate(-90)">'
            f"{escape(self._y.title)}</text>"
        )

    def _text(self, x: float, y: float, text: str, anchor: str, kind: str) -> None:
        self._parts.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        )


def _label_box(x: float, y: float, side: int, name: str) -> Box:
    """What a name takes whose nearer end is at x, and whose middle is at y."""
    width = _LETTER * len(name)
    left = x if side > 0 else x - width
    return left, y - _LINE / 2, left + width, y + _LINE / 2


def _overlaps(box: Box, others: Sequence[Box]) -> bool:
    return any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in others)


def heat_map(rows: Mapping[str, Mapping[str, float]], columns: Sequence[str]) -> str:
    """A table of values shaded from the lowest to the highest, as HTML."""
    values = [value for row in rows.values() for value in row.values()]
    if not values:
        return ""
    low, high = min(values), max(max(values), min(values) + 1e-9)
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
    lines = [f"<thead><tr><th>model</th>{head}</tr></thead><tbody>"]
    for model, row in rows.items():
        shares = {name: 100 * (value - low) / (high - low) for name, value in row.items()}
        cells = "".join(f'<td style="--heat:{shares[c]:.0f}%">{row[c]:.2f}</td>' for c in columns)
        lines.append(f"<tr><th>{escape(model)}</th>{cells}</tr>")
    return f'<div class="scroll"><table class="heat">{"".join(lines)}</tbody></table></div>'


def pareto(points: Points) -> list[tuple[float, float]]:
    """The points that no other one beats in both values, by rising x."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points):
        if not front or y < front[-1][1]:
            front.append((x, y))
    return front
