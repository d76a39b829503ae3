"""Landmark schemes: how many points a face has, what each one is, and how a mirror re-orders them.

"Right" and "left" are the subject's own, so the right eye is on the left of the picture.
A point's index is its position in the arrays of shape (K, 2) that the whole project passes around.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fkp.errors import UsageError

REGIONS = ("jaw", "right_brow", "left_brow", "nose", "right_eye", "left_eye", "mouth")


@dataclass(frozen=True, slots=True)
class Outline:
    """A line that connects points of one region, for drawing."""

    region: str
    points: tuple[int, ...]
    closed: bool = False


@dataclass(frozen=True)
class Scheme:
    """One way to put landmarks on a face.

    Attributes:
        name: short name, as stored in exported files.
        regions: region name -> indices; together they hold every index exactly once.
        mirror: `points[mirror]` re-orders the points of a mirrored picture; an involution.
        outlines: the lines to draw, in drawing order.
        nose_tip: index of the nose tip.
        outer_eye_corners: indices of the right and left outer eye corner, whose distance normalizes
            the NME, or None where the scheme's normalizer is the diagonal of the face box.
    """

    name: str
    regions: Mapping[str, tuple[int, ...]]
    mirror: tuple[int, ...]
    outlines: tuple[Outline, ...]
    nose_tip: int
    outer_eye_corners: tuple[int, int] | None = None

    @property
    def num_points(self) -> int:
        return len(self.mirror)

    @cached_property
    def region_of(self) -> Mapping[int, str]:
        """Index -> name of its region."""
        return {index: region for region, indices in self.regions.items() for index in indices}

    @property
    def normalizer(self) -> str:
        """What an NME in this scheme is divided by, in words."""
        return "inter-ocular" if self.outer_eye_corners else "box diagonal"


def _span(first: int, last: int) -> tuple[int, ...]:
    """Indices first..last, both included; downwards where last is smaller."""
    step = 1 if last >= first else -1
    return tuple(range(first, last + step, step))


# 68 points of iBUG 300-W (Sagonas et al., ICCVW 2013), 0-indexed.
IBUG68 = Scheme(
    name="ibug68",
    regions={
        "jaw": _span(0, 16),
        "right_brow": _span(17, 21),
        "left_brow": _span(22, 26),
        "nose": _span(27, 35),
        "right_eye": _span(36, 41),
        "left_eye": _span(42, 47),
        "mouth": _span(48, 67),
    },
    mirror=(
        *_span(16, 0),
        *_span(26, 17),
        *_span(27, 30),
        *_span(35, 31),
        *(45, 44, 43, 42, 47, 46),
        *(39, 38, 37, 36, 41, 40),
        *(*_span(54, 48), *_span(59, 55)),
        *(*_span(64, 60), *_span(67, 65)),
    ),
    outlines=(
        Outline("jaw", _span(0, 16)),
        Outline("right_brow", _span(17, 21)),
        Outline("left_brow", _span(22, 26)),
        Outline("nose", _span(27, 30)),
        Outline("nose", _span(31, 35)),
        Outline("right_eye", _span(36, 41), closed=True),
        Outline("left_eye", _span(42, 47), closed=True),
        Outline("mouth", _span(48, 59), closed=True),
        Outline("mouth", _span(60, 67), closed=True),
    ),
    nose_tip=30,
    outer_eye_corners=(36, 45),
)

# 58 points of the IMM face database (Stegmann et al., TMI 2003), in the order of its .asf files.
# The nose is one line from the right of its root, round its base, to the left of its root; the
# middle of the base (52, the only nose point on the symmetry axis) serves as the tip.
IMM58 = Scheme(
    name="imm58",
    regions={
        "jaw": _span(0, 12),
        "right_brow": _span(34, 38),
        "left_brow": _span(29, 33),
        "nose": _span(47, 57),
        "right_eye": _span(21, 28),
        "left_eye": _span(13, 20),
        "mouth": _span(39, 46),
    },
    mirror=(
        *_span(12, 0),
        *_span(21, 28),
        *_span(13, 20),
        *_span(34, 38),
        *_span(29, 33),
        *(*_span(43, 39), *_span(46, 44)),
        *_span(57, 47),
    ),
    outlines=(
        Outline("jaw", _span(0, 12)),
        Outline("right_brow", _span(34, 38)),
        Outline("left_brow", _span(29, 33)),
        Outline("nose", _span(47, 57)),
        Outline("right_eye", _span(21, 28), closed=True),
        Outline("left_eye", _span(13, 20), closed=True),
        Outline("mouth", _span(39, 46), closed=True),
    ),
    nose_tip=52,
)

NOSE1 = Scheme(name="nose1", regions={"nose": (0,)}, mirror=(0,), outlines=(), nose_tip=0)

SCHEMES: Mapping[str, Scheme] = {s.name: s for s in (IBUG68, IMM58, NOSE1)}


def get_scheme(name: str) -> Scheme:
    """The scheme of that name.

    Raises:
        UsageError: there is none; the message lists the names.
    """
    try:
        return SCHEMES[name]
    except KeyError:
        raise UsageError(f"unknown landmark scheme {name!r}; known: {', '.join(SCHEMES)}") from None
