"""Choosing a model."""

from __future__ import annotations

from demo import html, models


def card(name: str | None) -> str:
    """The facts about a model."""
    for entry in models.entries():
        if entry.name == name:
            return html.model_card(entry)
    return html.model_table(())
