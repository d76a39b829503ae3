"""The Leaderboard tab: the benchmark's committed report."""

from __future__ import annotations

from pathlib import Path

from demo import html

ADDRESS = "leaderboard.html"  # under which `guard.Guard` serves it
REPORT = Path(__file__).resolve().parents[2] / "docs" / "leaderboard.html"


def report() -> str:
    """What `python -m bench report` wrote, as a frame; a remark where there is none."""
    if not REPORT.is_file():
        return html.note("No results have been committed yet. Run `python -m bench` to measure the models.")
    return html.frame(ADDRESS, "What the benchmark measured")
