"""What changed, as a forest plot: difference and interval of every line against the one it is compared with."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import GAIN, LOSS, Change, ScoreTable
from mmseg_ext.reports.page.lanes import Lanes, lanes
from mmseg_ext.reports.page.scores import cell_of, scored
from mmseg_ext.reports.page.style import INK, WIDTH, Look, plot


def forest(table: ScoreTable, look: Mapping[str, Look], keys: Sequence[str], label: str) -> Markup | None:
    """A panel for each score of ``keys``; None when no line is compared with another one.

    The thick bar is the interval over test images, the thin one adds the noise of training; a filled point lies
    outside the noise, a hollow one does not, or cannot be judged.
    """
    lines = [line for line in scored(table) if any(cell_of(table, line, key).change for key in keys)]
    if not lines:
        return None
    shared = lanes(lines)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
        for axis, key in zip(axes, keys, strict=True):
            _panel(axis, shared, look, [cell_of(table, line, key).change for line in shared.lines])
            axis.set_title(f'{table.headings[table.keys.index(key)]}, change in points')
        shared.label(axes[0])

    return plot(label, (WIDTH, shared.height), draw)


def _panel(axis: Axes, shared: Lanes, look: Mapping[str, Look], changes: Sequence[Change | None]) -> None:
    axis.axvline(0, color=INK, lw=1.3)
    for place, line, change in zip(shared.places, shared.lines, changes, strict=True):
        if change is not None and not np.isnan(change.difference):
            _change(axis, place, look[line.group], change)
    axis.grid(axis='x')
    axis.margins(x=0.12)
    axis.tick_params(axis='y', length=0)
    axis.spines['left'].set_visible(False)


def _change(axis: Axes, place: float, look: Look, change: Change) -> None:
    if change.both:
        axis.hlines(place, *change.both, color=look.colour, lw=1.7)
    if change.images:
        axis.hlines(place, *change.images, color=look.colour, lw=5.5, alpha=0.45)
    filled = look.colour if change.verdict in (GAIN, LOSS) else 'white'
    axis.plot(change.difference, place, look.marker, color=look.colour, mfc=filled, mew=2, ms=8.5)
