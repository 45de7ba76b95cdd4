"""What a better score costs: images a second and parameters against the mean IoU of the defects."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import Line, ScoreTable
from mmseg_ext.reports.page.labels import place_names
from mmseg_ext.reports.page.scores import cell_of, models_of, scored
from mmseg_ext.reports.page.style import FAINT, SMALL, WIDTH, Look, plot, short

PANELS = (('images_per_second', 1, 'images a second'), ('parameters', 1e-6, 'parameters, millions'))
SIZE = (500, 270)  # pixels inside the axes of a panel, about


def cost(table: ScoreTable, look: Mapping[str, Look], label: str) -> Markup | None:
    """A point a line of the table in either panel, joined and named by model; None of fewer than two scores."""
    lines = scored(table)
    if len(lines) < 2:
        return None
    score = np.array([cell_of(table, line, 'mIoU_fg').mean for line in lines])

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        axes[0].set(ylabel='mIoU of the defects, %', ylim=(0, 1.2 * max(score.max(), 1)))
        for axis, (key, factor, title) in zip(axes, PANELS, strict=True):
            amount = np.array([factor * np.mean([run.result[key] for run in line.runs]) for line in lines])
            _prepare(axis, title, amount)
            _points(axis, lines, amount, score, look)

    return plot(label, (WIDTH, 340), draw)


def _prepare(axis: Axes, title: str, amount: np.ndarray) -> None:
    """A logarithmic axis with room for the names, and plain numbers along it."""
    axis.set(xscale='log', xlabel=title, xlim=(amount.min() / 2, amount.max() * 2))
    axis.xaxis.set_major_formatter(lambda value, _: f'{value:g}')
    axis.xaxis.set_minor_formatter(lambda value, _: f'{value:g}' if f'{value:e}'[0] in '25' else '')
    axis.grid()


def _points(
    axis: Axes, lines: Sequence[Line], amount: np.ndarray, score: np.ndarray, look: Mapping[str, Look]
) -> None:
    for line, x, y in zip(lines, amount, score, strict=True):
        axis.plot(x, y, look[line.group].marker, color=look[line.group].colour, ms=10, mec='white', mew=1)
    models, best = models_of(lines), []
    for model in models:
        order = sorted((i for i, line in enumerate(lines) if line.model == model), key=lambda i: score[i])
        axis.plot(amount[order], score[order], color=FAINT, lw=1, zorder=0)
        best.append(order[-1])
    _names(axis, [short(model, 22) for model in models], amount, score, best)


def _names(axis: Axes, names: Sequence[str], amount: np.ndarray, score: np.ndarray, best: Sequence[int]) -> None:
    """The model beside its best point, joined with it where it had to move away."""
    low, high = np.log(axis.get_xlim())
    across, up = (np.log(amount) - low) / (high - low), score / axis.get_ylim()[1]
    points = np.stack([across, up], 1) * SIZE
    for name, index, offset in zip(names, best, place_names(names, points[best], points, SIZE), strict=True):
        line = dict(arrowstyle='-', color=FAINT, lw=0.8) if abs(offset).sum() > 20 else None
        at = dict(xytext=tuple(offset), textcoords='offset points', ha='center', va='center')
        axis.annotate(name, (amount[index], score[index]), fontsize=SMALL, arrowprops=line, **at)
