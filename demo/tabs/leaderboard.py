"""Layout of the Leaderboard tab."""

from __future__ import annotations

import gradio as gr

from demo import html, models
from demo.handlers import leaderboard as handlers

_INTRO = """\
What `python -m bench` measured. NME is the mean distance of the points from the true ones, in percent of \
the distance of the outer eye corners (58 points and nose tip: of the diagonal of the face box). \
Times are for one face on one processor core."""


def build() -> None:
    """Add the tab's elements to the page: all of it is committed, so nothing is computed here."""
    gr.Markdown(_INTRO, elem_classes="fkp-intro")
    gr.Markdown("### Models of this demo")
    gr.HTML(html.model_table(models.entries()), elem_classes="fkp-models")
    gr.Markdown("### All results")
    gr.HTML(handlers.report(), elem_id="report")
