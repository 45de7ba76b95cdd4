"""Precision against recall over all thresholds: a plot and a table for each protocol and tolerance."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from mmseg_ext.reports.comparison.cells import Line, ScoreTable
from mmseg_ext.reports.comparison.records import RunRecord
from mmseg_ext.reports.comparison.small_tables import OVER_THRESHOLDS
from mmseg_ext.reports.comparison.wording import score
from mmseg_ext.reports.page.style import SMALL, Look
from mmseg_ext.reports.page.swept import Palette, SweptPart, panels, swept_part
from mmseg_ext.score_names import digits, tag_of

EQUAL_F1 = tuple(tenth / 10 for tenth in range(1, 10))


def precision_recall(table: ScoreTable, look: Mapping[str, Look], label: str) -> SweptPart | None:
    """A part for each tag; None where no result has scores over thresholds."""
    return swept_part(table, look, OVER_THRESHOLDS, lambda each, palette: _plot(each, palette, label))


def _plot(table: ScoreTable, palette: Palette, label: str) -> Markup | None:
    tag = tag_of(table.keys[0])
    if not any(len(curve_of(run, tag)) for line in table.lines for run in line.runs):
        return None
    return panels(
        table.lines,
        palette,
        f'{label}, {table.title}. {_said(table)}',
        ('recall', 'precision'),
        _finish,
        lambda axis, line, look: _line(axis, line, tag, look),
    )


def curve_of(run: RunRecord, tag: str) -> np.ndarray:
    """Recall and precision by rising threshold, (K, 2); those without either are left out."""
    curve = (run.result.get('curves') or {}).get(tag) or dict(recall=(), precision=())
    points = np.array([curve['recall'], curve['precision']], float).T
    return points[~np.isnan(points).any(1)]


def _line(axis: Axes, line: Line, tag: str, look: Look) -> None:
    """A thin line for every seed, and its ODS as a mark."""
    for run in line.runs:
        axis.plot(*curve_of(run, tag).T, color=look.colour, ls=look.line, lw=1.3, alpha=0.8)
        best = [run.result['scores'].get(f'{name}@{tag}') for name in ('recall', 'precision')]
        if None not in best:
            axis.plot(*best, look.marker, color=look.colour, ms=9, mec='white', mew=1, zorder=3, clip_on=False)


def _finish(axis: Axes) -> None:
    """Both axes from 0 to 1, and the lines of equal F1 with their values at the right."""
    for f1 in EQUAL_F1:
        axis.plot(*equal_f1(f1), color='#D8DEE4', lw=1, zorder=0)
    right = axis.secondary_yaxis('right')
    right.set_yticks([f1 / (2 - f1) for f1 in (*EQUAL_F1, 1)], [*(f'{f1:g}' for f1 in EQUAL_F1), 'F1'])
    right.tick_params(length=0, labelsize=SMALL, colors='#6B747C')
    right.spines['right'].set_visible(False)
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.set_box_aspect(1)


def equal_f1(f1: float) -> np.ndarray:
    """Recall and precision, (2, K), whose harmonic mean this is: a hyperbola, from precision 1 to recall 1."""
    one = np.linspace(f1, 1, 50)
    other = f1 * one / (2 * one - f1)
    return np.array([[*other[::-1], *one], [*one[::-1], *other]])


def _said(table: ScoreTable) -> str:
    """The ODS of every line and where it lies, for those who do not see the plot."""
    ods, threshold = table.keys[0], table.keys[-1]
    rows = [
        f'{line.label}: ODS {score(line.cells[0], digits(ods))} at {score(line.cells[-1], digits(threshold))}'
        for line in table.lines
        if line.scored
    ]
    return '; '.join(rows)
