"""LEADERBOARD.md, and the README's table."""

from __future__ import annotations

from bench.report.result_set import ResultSet
from bench.report.tables import Table, all_tables, model_table

_HEAD = """\
# Leaderboard

Written by `python -m bench report` from the CSVs in [bench/results](bench/results); do not edit it by hand.
[docs/benchmark.md](docs/benchmark.md) says how each figure is measured, and
[docs/leaderboard.html](docs/leaderboard.html) has charts and sortable tables.

NME is in percent, lower is better; the best of a column is bold. Figures are for true boxes unless the
column says otherwise. The models of the course reports have tables of their own below, and
[a page](docs/reports.md).

Published figures on 300-W common rest on 3,148 training faces and ImageNet weights; the models here start
from scratch. Those of 68 points were trained on 1,566 of those faces (report004's on video frames), and 164
more chose the epoch. The fkp68 models were also trained on about 1,100 faces of unannotated HELEN photos, and
fkp68-base and fkp68-tiny on 1,000 YouTube Faces training frames, all labeled by an earlier model of this
project.
"""

_SHORT = ("model", "nme", "nme_detector", "nme_own", "fr8", "robust", "ms", "file_mb")
_SHORT_SCHEME = "ibug68"


def leaderboard(results: ResultSet) -> str:
    """The whole of LEADERBOARD.md."""
    parts = [_HEAD]
    for table in all_tables(results):
        parts.append(f"## {table.title}\n\n{to_markdown(table)}\n")
        if table.caption:
            parts.append(f"{table.caption}\n")
    models = {row.model for row in results.accuracy}
    notes = [f"- `{name}`: {results.notes[name]}" for name in sorted(models) if results.notes.get(name)]
    if notes:
        parts.append("## The models\n\n" + "\n".join(notes) + "\n")
    return "\n".join(parts)


def short_table(results: ResultSet) -> str:
    """The README's table: the exported models of 68 points and the baselines, with their main figures."""
    table = model_table(results, _SHORT_SCHEME, False)
    if table is None:
        return ""
    picks = [i for i, column in enumerate(table.columns) if column.name in _SHORT]
    rows = [[row[i] for i in picks] for row in table.rows if row[0] not in results.unshipped]
    return to_markdown(Table("", [table.columns[i] for i in picks], rows, [table.best[i] for i in picks]))


def to_markdown(table: Table) -> str:
    """A table in Markdown, its best cells bold."""
    heads = [column.title for column in table.columns]
    lines = [_line(heads), _line(["---"] + ["--:"] * (len(heads) - 1))]
    for row in table.rows:
        lines.append(_line([f"**{c}**" if c == b else c for c, b in zip(row, table.best, strict=True)]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"
