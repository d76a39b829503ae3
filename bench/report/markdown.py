"""LEADERBOARD.md, and the README's short table."""

from __future__ import annotations

from bench.report.result_set import ResultSet
from bench.report.tables import Table, all_tables, detector_summary, kaggle_table, model_table
from fkp.datasets import TEST_SETS

_HEAD = """\
# Leaderboard

Made by `python -m bench report` from the CSVs in [bench/results](bench/results); not to be edited by hand.
[docs/benchmark.md](docs/benchmark.md) says how each figure is measured, and
[docs/leaderboard.html](docs/leaderboard.html) shows them as charts and sortable tables.

NME is in percent, lower is better; the best of a column is bold. Boxes are the true ones where nothing else
is said. Published figures on 300-W common rest on 3,148 training faces and ImageNet weights; the models here
start from scratch. Those for the wild have seen 1,566 of those faces (report004's: video frames), 164 more
chose the epoch. The fkp68 models have also seen about 1,100 faces of unannotated HELEN photos, and fkp68-base
and fkp68-tiny 1,000 YouTube Faces training frames, all labeled by an earlier model of this project.
"""

_SHORT_ROWS, _SHORT_KAGGLE = 8, 2  # models in the README's tables
_SHORT = ("model", "nme", "nme_detector", "nme_own", "fr8", "robust", "ms", "file_mb")


def leaderboard(board: ResultSet) -> str:
    """The whole of LEADERBOARD.md."""
    parts = [_HEAD]
    for table in all_tables(board):
        parts.append(f"## {table.title}\n\n{to_markdown(table)}\n")
        if table.caption:
            parts.append(f"{table.caption}\n")
    models = {row["model"] for row in board.accuracy}
    notes = [f"- `{name}`: {board.notes[name]}" for name in sorted(models) if board.notes.get(name)]
    if notes:
        parts.append("## The models\n\n" + "\n".join(notes) + "\n")
    return "\n".join(parts)


def short_table(board: ResultSet) -> str:
    """The README's tables: each scheme's models with their main figures, detectors, contest scores."""
    parts = []
    for scheme in TEST_SETS:
        if table := model_table(board, scheme):
            picks = [i for i, column in enumerate(table.columns) if column.name in _SHORT]
            rows = [row for row in table.rows if row[0] not in board.unshipped][:_SHORT_ROWS]
            short = Table(
                table.title,
                [table.columns[i] for i in picks],
                [[row[i] for i in picks] for row in rows],
                [table.best[i] for i in picks],
            )
            parts.append(f"**{table.title}**\n\n{to_markdown(short)}{_more(len(table.rows) - len(rows))}")
    for table in (detector_summary(board), kaggle_table(board, _SHORT_KAGGLE)):
        if table:
            parts.append(f"**{table.title}**\n\n{to_markdown(table)}\n\n{table.caption}")
    return "\n\n".join(parts)


def _more(rest: int) -> str:
    """What to say of so many models of a scheme that the README has no room for."""
    return f"\n\n{rest} more in [LEADERBOARD.md](LEADERBOARD.md)" if rest > 0 else ""


def to_markdown(table: Table) -> str:
    """A table in Markdown, its best cells bold."""
    heads = [column.title for column in table.columns]
    lines = [_line(heads), _line(["---"] + ["--:"] * (len(heads) - 1))]
    for row in table.rows:
        lines.append(_line([f"**{c}**" if c == b else c for c, b in zip(row, table.best, strict=True)]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"
