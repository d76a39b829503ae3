"""The leaderboard, made from the CSVs in `bench/results/` alone."""

from __future__ import annotations

import re
from pathlib import Path

from bench.course_reports import page as course_reports
from bench.report import cards
from bench.report.markdown import leaderboard, short_table
from bench.report.page import page
from bench.report.result_set import ResultSet
from bench.report.summary import FILE, summary
from fkp.atomic import write_text

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"(<!-- leaderboard -->\n).*?(<!-- /leaderboard -->)", re.DOTALL)


def write(folder: Path, root: Path = ROOT) -> list[Path]:
    """Write the report.

    Args:
        folder: the CSVs; gets summary.json.
        root: gets LEADERBOARD.md, the pages of docs/, and the tables in the README and the model cards.

    Returns:
        the paths of what was written.

    Raises:
        FileNotFoundError: the folder holds no accuracy results.
    """
    results = ResultSet.read(folder)
    if not results.accuracy:
        raise FileNotFoundError(f"{folder} holds no accuracy results yet: run `python -m bench` first")
    files = {
        folder / FILE: summary(results),
        root / "LEADERBOARD.md": leaderboard(results),
        root / "docs" / "leaderboard.html": page(results),
    }
    experiments = root / "docs" / course_reports.FOLDER
    if experiments.is_dir():
        files[root / "docs" / "reports.md"] = course_reports.page(results, experiments)
    for card in sorted((root / "docs" / "models").glob("*.md")):
        files[card] = cards.fill(results, card.stem, card.read_text(encoding="utf-8"))
    readme = root / "README.md"
    if readme.exists():
        old = readme.read_text(encoding="utf-8")
        new = _BLOCK.sub(lambda match: f"{match[1]}{short_table(results)}\n{match[2]}", old)
        if new != old:
            files[readme] = new
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    return list(files)
