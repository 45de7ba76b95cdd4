"""Scores on the test set as bars: the mean over seeds, its standard deviation, and every seed as a dot."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import Cell, ScoreTable
from mmseg_ext.reports.page.lanes import Lanes, lanes
from mmseg_ext.reports.page.scores import cell_of, defined
from mmseg_ext.reports.page.style import INK, SMALL, WIDTH, Look, plot


def bars(table: ScoreTable, look: Mapping[str, Look], keys: Sequence[str], label: str) -> Markup:
    """One panel for each score of ``keys``, side by side, a bar a line of the table."""
    shared = lanes(table.lines)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
        for axis, key in zip(axes, keys, strict=True):
            _panel(axis, shared, look, [cell_of(table, line, key) for line in shared.lines])
            axis.set_title(f'{table.headings[table.keys.index(key)]}, %')
        shared.label(axes[0])

    return plot(label, (WIDTH, shared.height), draw)


def _panel(axis: Axes, shared: Lanes, look: Mapping[str, Look], cells: Sequence[Cell]) -> None:
    mean, sd = np.array([(cell.mean, np.nan if cell.sd is None else cell.sd) for cell in cells]).T
    colours, seeds = [look[line.group].colour for line in shared.lines], [defined(cell) for cell in cells]
    axis.barh(shared.places, mean, height=0.72, color=colours, alpha=0.5)
    axis.errorbar(mean, shared.places, xerr=sd, fmt='none', ecolor=INK, elinewidth=1.7, capsize=5)
    count = [len(values) for values in seeds]
    style = dict(color=np.repeat(colours, count), edgecolors='white', linewidths=1)
    axis.scatter(np.concatenate(seeds), np.repeat(shared.places, count), s=48, zorder=3, **style)
    ends = [max([0, *values, *np.nan_to_num([m + s, m])]) for values, m, s in zip(seeds, mean, sd, strict=True)]
    _numbers(axis, shared, ends, mean)
    axis.grid(axis='x')
    axis.tick_params(axis='y', length=0)
    axis.spines['left'].set_visible(False)


def _numbers(axis: Axes, shared: Lanes, ends: Sequence[float], mean: np.ndarray) -> None:
    """The mean at the right of what is drawn in a lane, ``–`` where nothing was measured."""
    top = max(*ends, 1.0)
    for place, end, value in zip(shared.places, ends, mean, strict=True):
        text = '–' if np.isnan(value) else f'{value:.1f}'
        axis.text(end + 0.015 * top, place, text, va='center', ha='left', fontsize=SMALL)
    axis.set_xlim(0, 1.12 * top)
