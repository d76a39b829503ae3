"""Choosing a model."""

from __future__ import annotations

from demo import models, words


def card(name: str | None) -> str:
    """What is known of a model."""
    for entry in models.entries():
        if entry.name == name:
            return words.model_card(entry)
    return words.model_table(())
