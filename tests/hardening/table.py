"""The whole table."""

from __future__ import annotations

from hardening import calls, commands, models, pictures, texts, videos
from hardening.kinds import Kind


def all_kinds() -> list[Kind]:
    """Every kind of every area."""
    return [kind for module in (pictures, videos, texts, models, calls, commands) for kind in module.kinds()]
