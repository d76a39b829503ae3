"""The figures in the model cards, `docs/models/NAME.md`: between two marks, filled from the results."""

from __future__ import annotations

import re

from bench.report.markdown import to_markdown
from bench.report.result_set import MAIN_COLUMNS, Column, ResultSet
from bench.report.tables import Table
from bench.results import cell
from fkp.datasets import TEST_SETS

_BLOCK = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)
_SCHEME = "ibug68"  # of the models that have cards
_TEST_SET = TEST_SETS[_SCHEME]
_GROUPS = (
    Column("group", "faces", ""),
    Column("faces", "number", ""),
    Column("nme", "NME %", ""),
    Column("fr8", "FR@8 %", ""),
    Column("score", "mean score", ""),
    Column("rank_correlation", "rank correlation of score and error", ""),
)


def fill(results: ResultSet, model: str, text: str) -> str:
    """A card's text with the current figures; unchanged where nothing was measured."""
    figures = "\n\n".join(
        to_markdown(table) for table in (_main(results, model), _groups(results, model)) if table
    )
    return _BLOCK.sub(lambda match: f"{match[1]}\n{figures}\n\n{match[2]}", text) if figures else text


def _main(results: ResultSet, model: str) -> Table | None:
    """The model's figures in the leaderboard, one per line."""
    figures = results.figures(model, _SCHEME)
    rows = [[c.title, c.hint, cell(figures[c.name], c.digits)] for c in MAIN_COLUMNS if c.name in figures]
    regions = results.regions(model, _SCHEME)
    rows += [[name.replace("_", " "), "NME of the region's points", cell(regions[name])] for name in regions]
    rows += [
        [
            "contest MAE px",
            f"Kaggle CS194-26: the {row.covered} of {row.images} images here whose points are public",
            cell(row.mae),
        ]
        for row in results.kaggle
        if row.model == model
    ]
    columns = (
        Column("name", f"on {_TEST_SET}", ""),
        Column("hint", "", ""),
        Column("value", "", ""),
    )
    return Table(model, columns, rows, [None] * 3) if figures else None


def _groups(results: ResultSet, model: str) -> Table | None:
    """The errors of the least and the most confident predictions, and by head turn."""
    found = [row for row in results.confidence if row.model == model and row.dataset == _TEST_SET]
    rows = [
        [row.group, str(row.faces), *(cell(getattr(row, column.name)) for column in _GROUPS[2:])]
        for row in sorted(found, key=lambda row: (row.group != "all", row.group))
    ]
    return Table(model, _GROUPS, rows, [None] * len(_GROUPS)) if rows else None
