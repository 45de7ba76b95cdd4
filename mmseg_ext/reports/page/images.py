"""How the score is spread over the test images: a good mean may hide images where every defect was missed."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import Line
from mmseg_ext.reports.page.lanes import Lanes, lanes
from mmseg_ext.reports.page.scores import image_scores
from mmseg_ext.reports.page.style import INK, SMALL, WIDTH, Look, plot

EDGES = (0, 25, 50, 75, 100)
# From "missed" to "good", light to dark in blue: told apart by lightness alone; nothing hit at all stands out.
SHADES = ('#B84A00', '#DCE9F3', '#A9CCE3', '#5B9BC8', '#1F5F93')
NAMES = ('nothing hit', 'up to 25', '25 to 50', '50 to 75', 'above 75 %')
DOTS = 20_000  # in one plot; of more an even choice is drawn


def spread(lines: Sequence[Line], look: Mapping[str, Look], label: str) -> Markup | None:
    """Shares of the images by their IoU, and quartiles with a dot an image; None without any counts of images."""
    scores = {id(line): _defined(line) for line in lines}
    shown = [line for line in lines if len(scores[id(line)])]
    if not shown:
        return None
    shared = lanes(shown)
    values = [scores[id(line)] for line in shared.lines]

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        _shares(left, shared, values)
        _boxes(right, shared, values, [look[line.group].colour for line in shared.lines])
        shared.label(left)

    return plot(label, (WIDTH, shared.height + 34), draw)


def _defined(line: Line) -> np.ndarray:
    scores = image_scores(line)
    return np.array([]) if scores is None else scores[~np.isnan(scores)]


def shares(values: np.ndarray) -> np.ndarray:
    """Share in percent of scores that are 0, and in (0, 25], (25, 50], (50, 75], (75, 100]; shape (5,)."""
    return 100 * np.bincount(np.digitize(values, EDGES[:-1], right=True), minlength=5) / len(values)


def _shares(axis: Axes, shared: Lanes, values: list[np.ndarray]) -> None:
    table = np.stack([shares(each) for each in values])
    starts = np.cumsum(table, 1) - table
    for index, (name, shade) in enumerate(zip(NAMES, SHADES, strict=True)):
        axis.barh(shared.places, table[:, index], left=starts[:, index], height=0.76, color=shade, label=name)
    for lane, index in np.argwhere(table >= 9):
        place = starts[lane, index] + table[lane, index] / 2
        colour = 'white' if index in (0, 4) else INK
        axis.text(
            place,
            shared.places[lane],
            f'{table[lane, index]:.0f}',
            ha='center',
            va='center',
            color=colour,
            fontsize=SMALL,
        )
    axis.set(xlim=(0, 100), xlabel='% of the images with a defect there or predicted')
    axis.figure.legend(
        *axis.get_legend_handles_labels(),
        loc='outside upper left',
        ncols=9,
        frameon=False,
        fontsize=SMALL,
        title='IoU of the defects in an image, %',
        alignment='left',
    )
    axis.tick_params(axis='y', length=0)


def _boxes(axis: Axes, shared: Lanes, values: list[np.ndarray], colours: list[str]) -> None:
    places = np.repeat(shared.places, [len(each) for each in values])
    scores, hues = np.concatenate(values), np.repeat(colours, [len(each) for each in values])
    chosen = slice(None, None, len(scores) // DOTS + 1)
    jitter = np.random.default_rng(0).uniform(-0.36, 0.36, len(scores))
    dots = dict(s=9, alpha=0.4, linewidths=0, color=hues[chosen], rasterized=True)
    axis.scatter(scores[chosen], (places + jitter)[chosen], **dots)
    low, median, high = np.array([np.percentile(each, (25, 50, 75)) for each in values]).T
    axis.hlines(shared.places, low, high, color=INK, lw=2.6)
    axis.plot(median, shared.places, '|', color=INK, ms=15, mew=3.2)
    axis.set(xlim=(-2, 102), xlabel='IoU of the defects in an image, %')
    axis.grid(axis='x')
    axis.spines['left'].set_visible(False)
    axis.tick_params(axis='y', length=0)
