"""How quiet a prompted model is where it should be: yield rate against the response that still counts as none."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from mmseg_ext.reports.comparison.cells import Line, ScoreTable
from mmseg_ext.reports.comparison.records import RunRecord
from mmseg_ext.reports.comparison.small_tables import PROMPTS
from mmseg_ext.reports.comparison.wording import score
from mmseg_ext.reports.page.style import Look
from mmseg_ext.reports.page.swept import Palette, SweptPart, panels, swept_part

CURVE = 'response_rate'
LABELS = ('share of the image below which an answer is none', 'yield rate, %')


def prompts(table: ScoreTable, look: Mapping[str, Look], label: str) -> SweptPart | None:
    """The scores of answers to prompts and their curves; None where no result has any."""
    return swept_part(table, look, PROMPTS, lambda each, palette: _plot(each, palette, label))


def _plot(table: ScoreTable, palette: Palette, label: str) -> Markup | None:
    if not any(len(response_curve(run)) for line in table.lines for run in line.runs):
        return None
    return panels(table.lines, palette, f'{label}. {_said(table)}', LABELS, _finish, _line)


def response_curve(run: RunRecord) -> np.ndarray:
    """Thresholds (shares of the image) and yield rates in percent, (K, 2); those without a rate are left out."""
    curve = (run.result.get('curves') or {}).get(CURVE) or dict(threshold=(), yield_rate=())
    points = np.array([curve['threshold'], curve['yield_rate']], float).T
    return points[~np.isnan(points).any(1)]


def _line(axis: Axes, line: Line, look: Look) -> None:
    """A thin line for every seed, and its yield rate at the threshold of the scores as a mark."""
    for run in line.runs:
        curve, rate = response_curve(run), run.result['scores'].get('yield_rate')
        if not len(curve):
            continue
        axis.plot(*curve.T, color=look.colour, ls=look.line, lw=1.3, alpha=0.8, drawstyle='steps-post')
        if rate is not None:
            used = run.result['curves'][CURVE]['used']
            axis.plot(
                used, rate, look.marker, color=look.colour, ms=9, mec='white', mew=1, zorder=3, clip_on=False
            )


def _finish(axis: Axes) -> None:
    axis.set(xscale='log', ylim=(0, 100))
    axis.xaxis.set_major_formatter(lambda share, _: f'{share:g}')  # a page shows no mathematics
    axis.grid()
    axis.margins(x=0)
    axis.set_box_aspect(1)


def _said(table: ScoreTable) -> str:
    """Yield and catch rate of every line, for those who do not see the plot."""
    caught, quiet = (table.keys.index(name) for name in ('catch_rate', 'yield_rate'))
    return '; '.join(
        f'{line.label}: yield rate {score(line.cells[quiet])}, catch rate {score(line.cells[caught])}'
        for line in table.lines
        if line.scored
    )
