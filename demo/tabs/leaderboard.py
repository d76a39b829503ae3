"""Layout of the Leaderboard tab."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from demo import models, words
from demo.handlers import leaderboard as handlers

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_INTRO = """\
What `python -m bench` measured, from the files in `bench/results/`. A click on a heading sorts. NME is \
the mean distance of the points from the true ones, in percent of the distance of the outer eye corners \
(58 points and nose tip: of the box diagonal); FR@8 is the share of faces with more than 8 %."""


def build() -> None:
    """Add the tab's elements to the page: all of it is committed, so nothing is computed here."""
    parts = handlers.found()
    gr.Markdown(_INTRO, elem_classes="fkp-intro")
    gr.Markdown("### Models of this demo")
    gr.HTML(words.model_table(models.entries()), elem_classes="fkp-models")
    if not parts:
        gr.HTML(words.note("No results have been committed yet. Run python -m bench to measure the models."))
    trade_off = handlers.trade_off()
    if not trade_off.empty:
        gr.Markdown("### Error, and time for one face on one core\nThe lower left is best.")
        gr.ScatterPlot(
            trade_off,
            x="Milliseconds",
            y="NME, %",
            color="Points",
            tooltip="all",
            height=340,
            buttons=[],
        )
    for part in parts:
        gr.Dataframe(
            handlers.results(part),
            label=part.capitalize(),
            interactive=False,
            show_search="search",
            max_height=420,
            buttons=[],
        )
    pictures = handlers.plots(_DOCS)
    if pictures:
        gr.Gallery(
            pictures, label="Plots", columns=2, height="auto", interactive=False, buttons=["fullscreen"]
        )
