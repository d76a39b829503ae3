"""docs/leaderboard.html: one file with tables that sort and charts, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from bench.report.charts import Axis, Plot, heat_map, pareto
from bench.report.result_set import ResultSet
from bench.report.tables import Table, all_tables
from bench.tasks.distortions import DISTORTIONS
from fkp.datasets import TEST_SETS
from fkp.schemes import REGIONS

_FOLDER = Path(__file__).parent
_COLORS = 10


def page(results: ResultSet) -> str:
    """The page as HTML."""
    models = [model for scheme in TEST_SETS for model in results.models(scheme)]
    # The charts show the best of each scheme, as many as colors can distinguish.
    colors = {model: i for scheme in TEST_SETS for i, model in enumerate(results.models(scheme)[:_COLORS])}
    sections = {
        "Accuracy": _ced(results, colors),
        "Accuracy, latency and size": _pareto(results, colors),
        "Regions": _regions(results),
        "Robustness": _robustness(results, colors),
    }
    charts = "".join(
        f"<section><h2>{escape(title)}</h2>{body}</section>" for title, body in sections.items() if body
    )
    tables = [_table(table) for table in all_tables(results)]
    ranked = len([scheme for scheme in TEST_SETS if results.models(scheme, False)])
    legend = "".join(
        f'<button class="key c{colors.get(m, "")}" data-model="{escape(m, quote=True)}">{escape(m)}</button>'
        for m in models
    )
    notes = "".join(
        f"<dt>{escape(m)}</dt><dd>{escape(results.notes[m])}</dd>" for m in models if results.notes.get(m)
    )
    return Template((_FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        style=(_FOLDER / "page.css").read_text(encoding="utf-8"),
        script=(_FOLDER / "page.js").read_text(encoding="utf-8"),
        legend=legend,
        first="".join(tables[:ranked]),
        charts=charts,
        others="".join(tables[ranked:]),
        notes=notes,
    )


def _table(table: Table) -> str:
    heads = "".join(f'<th title="{escape(c.hint, quote=True)}">{escape(c.title)}</th>' for c in table.columns)
    body = ""
    for row in table.rows:
        cells = "".join(
            f"<td{' class=best' if text == top else ''}>{escape(text)}</td>"
            for text, top in zip(row[1:], table.best[1:], strict=True)
        )
        body += f'<tr data-model="{escape(row[0], quote=True)}"><th>{escape(row[0])}</th>{cells}</tr>'
    caption = f"<p class=caption>{escape(table.caption)}</p>" if table.caption else ""
    return (
        f"<section><h2>{escape(table.title)}</h2><div class=scroll><table class=sortable>"
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>{caption}</section>"
    )


def _ced(results: ResultSet, colors: dict[str, int]) -> str:
    charts = []
    for scheme, dataset in TEST_SETS.items():
        models = [m for m in results.models(scheme) if m in colors]
        curves = {m: curve for m in models if (curve := results.ced_curve(m, scheme))}
        if curves:
            what = "nose tip" if scheme == "nose1" else scheme
            plot = Plot(Axis("NME, %", 0, 10), Axis("faces, %", 0, 100), 400, 320, f"{what} on {dataset}")
            for model, curve in curves.items():
                plot.line(curve, model, colors[model])
            charts.append(plot.svg())
    lead = (
        "<p>Share of faces at or below an error, with true boxes: further up and left is better. The "
        "charts show the ten best models of each kind.</p>"
    )
    return f'{lead}<div class="charts wide">{"".join(charts)}</div>' if charts else ""


def _pareto(results: ResultSet, colors: dict[str, int]) -> str:
    charts = []
    for scheme, dataset in TEST_SETS.items():
        figures = {m: results.figures(m, scheme) for m in results.models(scheme) if m in colors}
        dots = {m: f for m, f in figures.items() if "ms" in f}
        if not dots:
            continue
        slow, fast = max(f["ms"] for f in dots.values()), min(f["ms"] for f in dots.values())
        worst, least = max(f["nme"] for f in dots.values()), min(f["nme"] for f in dots.values())
        plot = Plot(
            Axis("ms from picture and box to points, one thread", fast / 2, slow * 2, log=True),
            Axis("NME, %", 0.9 * least, 1.1 * worst, log=True),
            400,
            320,
            f"{'nose tip' if scheme == 'nose1' else scheme} on {dataset}",
        )
        plot.steps(pareto([(f["ms"], f["nme"]) for f in dots.values()]))
        for model, f in dots.items():
            size = f.get("file_mb")
            words = f"{model}: NME {f['nme']:.2f} %, {f['ms']:.2f} ms" + (f", {size:.1f} MB" if size else "")
            plot.dot(f["ms"], f["nme"], 4 + 1.5 * (size or 0) ** 0.5, model, colors[model], words)
        charts.append(plot.svg())
    lead = (
        "<p>Down is more accurate, left is faster, a larger dot is a larger file; the smallest are "
        "baselines, whose size is unknown. No model beats those on the line in both. Times: "
        f"{escape(results.host)}.</p>"
    )
    return f'{lead}<div class="charts wide">{"".join(charts)}</div>' if charts else ""


def _regions(results: ResultSet) -> str:
    rows = {m: results.regions(m, "ibug68") for m in results.models("ibug68")}
    lead = (
        "<p>NME in % per region of the face, 68 points, true boxes; a stronger color is a larger error.</p>"
    )
    shown = heat_map({m: row for m, row in rows.items() if row}, REGIONS)
    return lead + shown if shown else ""


def _robustness(results: ResultSet, colors: dict[str, int]) -> str:
    models = [m for m in results.models("ibug68") if m in colors and results.curve(m, "rotation")]
    if not models:
        return ""
    charts = []
    for kind, distortion in DISTORTIONS.items():
        x = Axis(distortion.title, distortion.none, distortion.severities[-1])
        plot = Plot(x, Axis("capped NME, %", 0, 25), 270, 220, kind)
        for model in models:
            plot.line(results.curve(model, kind), model, colors[model])
        charts.append(plot.svg())
    lead = "<p>Mean NME of 68 points over the severity of each distortion, every face's capped at 25 %.</p>"
    return f'{lead}<div class="charts">{"".join(charts)}</div>'
