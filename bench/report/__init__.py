"""The leaderboard, made from the CSVs in `bench/results/` alone."""

from __future__ import annotations

import re
from pathlib import Path

from bench.course_reports import page as course_reports
from bench.report import cards
from bench.report.markdown import leaderboard, short_table
from bench.report.page import page
from bench.report.result_set import ResultSet

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"(<!-- leaderboard -->\n).*?(<!-- /leaderboard -->)", re.DOTALL)


def write(results: Path, root: Path = ROOT) -> list[Path]:
    """Write LEADERBOARD.md, the pages of docs/ and the README's table under `root`; tells their paths.

    Raises:
        FileNotFoundError: the folder holds no accuracy results.
    """
    board = ResultSet.read(results)
    if not board.accuracy:
        raise FileNotFoundError(f"{results} holds no accuracy results yet: run `python -m bench` first")
    files = {root / "LEADERBOARD.md": leaderboard(board), root / "docs" / "leaderboard.html": page(board)}
    experiments = root / "docs" / course_reports.FOLDER
    if experiments.is_dir():
        files[root / "docs" / "reports.md"] = course_reports.page(board, experiments)
    for card in sorted((root / "docs" / "models").glob("*.md")):
        files[card] = cards.fill(board, card.stem, card.read_text(encoding="utf-8"))
    readme = root / "README.md"
    if readme.exists():
        old = readme.read_text(encoding="utf-8")
        new = _BLOCK.sub(lambda match: f"{match[1]}{short_table(board)}\n{match[2]}", old)
        if new != old:
            files[readme] = new
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
