"""What a better score costs: images a second and parameters against the mean IoU of the defects."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import Line, ScoreTable
from mmseg_ext.reports.page.scores import cell_of, models_of, scored
from mmseg_ext.reports.page.style import FAINT, SMALL, WIDTH, Look, plot, short

PANELS = (('images_per_second', 1, 'images a second'), ('parameters', 1e-6, 'parameters, millions'))


def cost(table: ScoreTable, look: Mapping[str, Look], label: str) -> Markup | None:
    """A point a line of the table in either panel, joined and named by model; None when no line has a score."""
    lines = scored(table)
    if not lines:
        return None
    score = np.array([cell_of(table, line, 'mIoU_fg').mean for line in lines])

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        for axis, (key, factor, title) in zip(axes, PANELS, strict=True):
            amount = np.array([factor * np.mean([run.result[key] for run in line.runs]) for line in lines])
            _points(axis, lines, amount, score, look)
            _finish(axis, title, amount)
        axes[0].set(ylabel='mIoU of the defects, %', ylim=(0, 1.15 * max(score.max(), 1)))

    return plot(label, (WIDTH, 340), draw)


def _points(
    axis: Axes, lines: Sequence[Line], amount: np.ndarray, score: np.ndarray, look: Mapping[str, Look]
) -> None:
    for line, x, y in zip(lines, amount, score, strict=True):
        style = look[line.group]
        axis.plot(x, y, style.marker, color=style.colour, ms=10, mec='white', mew=1)
    for model in models_of(lines):
        mine = [index for index, line in enumerate(lines) if line.model == model]
        order = sorted(mine, key=lambda index: score[index])
        axis.plot(amount[order], score[order], color=FAINT, lw=1, zorder=0)
        top = amount[order[-1]], score[order[-1]]
        axis.annotate(short(model, 22), top, (0, 8), textcoords='offset points', ha='center', fontsize=SMALL)


def _finish(axis: Axes, title: str, amount: np.ndarray) -> None:
    """A logarithmic axis with room for the names, and plain numbers along it."""
    axis.set(xscale='log', xlabel=title, xlim=(amount.min() / 1.6, amount.max() * 1.6))
    axis.xaxis.set_major_formatter(lambda value, _: f'{value:g}')
    axis.xaxis.set_minor_formatter(lambda value, _: f'{value:g}' if f'{value:e}'[0] in '25' else '')
    axis.grid()
