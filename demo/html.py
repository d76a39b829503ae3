"""Pieces of the page as HTML. Whatever comes from outside of this file is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from demo.differences import COLORS
from demo.measurements import errors, speeds
from demo.models import error_of, passes, points_in_words
from fkp.datasets import TEST_SETS
from fkp.runtime.face import Face
from fkp.runtime.index import ModelEntry
from fkp.runtime.results import CSV_COLUMNS, Source, csv_rows
from fkp.spec import ModelSpec

_SMALLEST = 16  # pixels of the smallest face that the detector was trained on
_MOST_LISTED = 8

_STAGES = {
    "read": "read the file",
    "detect": "find faces",
    "crop": "cut out",
    "network": "network",
    "draw": "draw",
}


def note(text: str) -> str:
    """A neutral remark."""
    return _message("note", text)


def problem(text: str) -> str:
    """What went wrong, in a sentence."""
    return _message("problem", text)


def done(text: str) -> str:
    """What has been found or made."""
    return _message("done", text)


def _message(kind: str, text: str) -> str:
    return f'<p class="fkp-message fkp-{kind}" role="status">{escape(text)}</p>'


def faces_found(faces: Sequence[Face], size: tuple[int, int]) -> str:
    """How many faces a picture of size (H, W) has, and of which the model is unsure."""
    height, width = size
    if not faces and max(size) < _SMALLEST:
        return note(f"This picture is too small for a face: {width} x {height} pixels, at least {_SMALLEST}.")
    if not faces:
        return note(
            f"No face found in this picture ({width} x {height} pixels). The detector finds human faces in"
            f" any orientation that are at least a thirtieth of the picture and {_SMALLEST} pixels wide."
        )
    points = sum(len(face.points) for face in faces)
    text = f"{counted(len(faces), 'face')}, {counted(points, 'point')} in {width} x {height} pixels."
    unsure = [str(number) for number, face in enumerate(faces, start=1) if face.reliable is False]
    if not unsure:
        return done(text)
    listed = ", ".join(unsure[:_MOST_LISTED]) + (", ..." if len(unsure) > _MOST_LISTED else "")
    return note(
        f"{text} Not reliable: face {listed}. It may be hidden, turned away, very small, or no face at all."
    )


def face_table(faces: Sequence[Face]) -> str:
    """A row for each face: where it is, the model's confidence, the pose of the head."""
    head = ("Face", "Left, top", "Size", "Confidence", "Roll", "Yaw", "Pitch")
    return (
        _table(head, [_face_row(number, face) for number, face in enumerate(faces, start=1)]) if faces else ""
    )


def point_table(faces: Sequence[Face]) -> str:
    """A row for each point of each face; faces are counted as in `face_table`, points as in the files."""
    head = ("Face", "Point", "Region", "x", "y", "Confidence")
    first = CSV_COLUMNS.index("point")
    rows = [
        [str(number), *(str(cell).replace("_", " ") for cell in row[first : first + len(head) - 1])]
        for number, face in enumerate(faces, start=1)
        for row in csv_rows(Source("", (0, 0)), [face])
    ]
    return _table(head, rows) if rows else ""


def _face_row(number: int, face: Face) -> list[str]:
    x0, y0, x1, y1 = face.box.tolist()
    # The scores of models without a confidence are all 1.
    sure = "not given" if (face.scores == 1).all() else f"{face.scores.mean():.0%}"
    pose = face.pose
    leans = ((pose.roll, "↻", "↺"), (pose.yaw, "→", "←"), (pose.pitch, "↑", "↓")) if pose else ()
    angles = [_lean(*lean) for lean in leans] or ["not given"] * 3
    return [str(number), f"{x0:.0f}, {y0:.0f}", f"{x1 - x0:.0f} x {y1 - y0:.0f}", sure, *angles]


def _lean(angle: float, positive: str, negative: str) -> str:
    rounded = round(angle)
    return f"{abs(rounded)}°\u00a0{positive if rounded > 0 else negative}" if rounded else "0°"


def timings(milliseconds: Mapping[str, float]) -> str:
    """Where the time went: a bar whose parts are the stages, and their figures."""
    total = sum(milliseconds.values()) or 1.0
    bars = "".join(
        f'<span class="fkp-stage-{stage}" style="flex-grow:{max(value / total, 0.005):.4f}"></span>'
        for stage, value in milliseconds.items()
    )
    legend = "".join(
        f'<li><i class="fkp-stage-{stage}"></i>{_STAGES[stage]} <b>{value:.1f} ms</b></li>'
        for stage, value in milliseconds.items()
    )
    return (
        f'<div class="fkp-timings"><div class="fkp-bar">{bars}</div>'
        f"<ul>{legend}<li>together <b>{total:.0f} ms</b></li></ul></div>"
    )


def model_card(entry: ModelEntry) -> str:
    """What a visitor wants to know when choosing a model."""
    spec = entry.spec
    if spec is None:
        return problem(f"{entry.name} cannot be used: {entry.problem}.")
    speed = speeds().get(entry.name)
    facts = [
        ("Finds", points_in_words(entry)),
        ("Size, MB", _megabytes(entry)),
        ("Passes", "1" if passes(spec) == 1 else "2; 1 in videos"),
        ("Time per pass, one core", f"{speed:.1f} ms" if speed else "not measured"),
        ("Parameters", _short(spec.parameters)),
        ("Multiply-adds", _short(spec.multiply_adds)),
        ("Error on test faces", _test_error(spec)),
        ("Held-out error", _error(spec)),
        (
            "Trained on",
            ", ".join(f"{name} ({count})" for name, count in spec.training_data.items()) or "not stated",
        ),
    ]
    rows = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(fact)}</dd></div>" for term, fact in facts)
    return f'<div class="fkp-card"><p>{escape(spec.summary)}</p><dl>{rows}</dl></div>'


def model_table(entries: Sequence[ModelEntry]) -> str:
    """All models; those that cannot be used are grayed, with the reason."""
    if not entries:
        return note(
            "No model is installed, or the index of the models is damaged."
            " Export one with `python -m fkp export`, then start the demo again."
        )
    rows = []
    for entry in entries:
        spec = entry.spec
        state = f"cannot be used: {entry.problem}" if entry.problem else (spec.summary if spec else "")
        error, speed = error_of(entry), speeds().get(entry.name)
        facts = [f"{error:.2f}" if error else "-", f"{speed:.2f}" if speed else "-", _megabytes(entry)]
        rows.append([entry.name, points_in_words(entry), *facts, state])
    off = [bool(entry.problem) for entry in entries]
    return _table(("Model", "Finds", "NME, %", "ms", "MB", "About"), rows, off)


def _megabytes(entry: ModelEntry) -> str:
    return f"{entry.path.stat().st_size / 1e6:.1f}" if entry.path.is_file() else "-"


def _test_error(spec: ModelSpec) -> str:
    error = errors(spec.scheme).get(spec.name)
    return "not measured" if error is None else f"NME {error:.2f} % ({TEST_SETS[spec.scheme]})"


def _error(spec: ModelSpec) -> str:
    if spec.validation is None:
        return "not measured"
    return f"{spec.validation.value:.2f} ({spec.validation.metric}, {spec.validation.dataset})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], off: Sequence[bool] = ()) -> str:
    cells = "".join(f"<th scope='col'>{escape(title)}</th>" for title in head)
    body = ""
    for number, row in enumerate(rows):
        kind = ' class="fkp-off"' if number < len(off) and off[number] else ""
        body += f"<tr{kind}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    return (
        f'<div class="fkp-scroll"><table class="fkp-table"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _short(number: int) -> str:
    if not number:
        return "not stated"
    for unit, letter in ((10**9, " billion"), (10**6, " million"), (10**3, " thousand")):
        if number >= unit:
            return f"{number / unit:.3g}{letter}"
    return str(number)


def frame(address: str, title: str) -> str:
    """Another page of this server within this one."""
    return f'<iframe class="fkp-frame" title="{escape(title)}" src="{escape(address)}"></iframe>'


def counted(number: int, noun: str) -> str:
    """A number with its noun, such as "2 faces"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def live(rate: float, milliseconds: float, faces: Sequence[Face], size: tuple[int, int]) -> str:
    """Figures of a running camera."""
    height, width = size
    points = sum(len(face.points) for face in faces)
    figures = (
        (f"{rate:.0f}", "frames per second"),
        (f"{milliseconds:.0f} ms", "server time for a frame"),
        (str(len(faces)), "face" if len(faces) == 1 else "faces"),
        (str(points), "point" if points == 1 else "points"),
        (f"{width} x {height}", "pixels"),
    )
    return '<div class="fkp-live">' + "".join(f"<span><b>{a}</b> {b}</span>" for a, b in figures) + "</div>"


def progress(finished: int, expected: int | None, seconds: float) -> str:
    """How far a long job is."""
    if not expected:
        return note(f"{counted(finished, 'frame')} so far …")
    left = seconds / finished * max(expected - finished, 0)
    text = f"Frame {finished} of about {expected}, {left:.0f} s left"
    return f'<p class="fkp-message"><progress value="{finished}" max="{expected}"></progress> {text}</p>'


def comparison(rows: Sequence[Sequence[str]]) -> str:
    """A row for each compared model, with its color in the picture of the differences."""
    head = ("Model", "From the first", "Error", "Points", "ms")
    legend = "".join(
        f'<li><i style="background: rgb{color}"></i>{escape(row[0])}</li>'
        for row, color in zip(rows, COLORS, strict=False)
    )
    return f'<ul class="fkp-legend">{legend}</ul>{_table(head, rows)}'
