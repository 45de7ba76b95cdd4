"""A matrix as a picture: the darker the better, numbers in the cells, the set of the training framed."""

from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmseg_ext.files import replacing
from mmseg_ext.reports.comparison.wording import NONE
from mmseg_ext.reports.curves import COLOURS
from mmseg_ext.reports.matrix import Cell, Matrix
from mmseg_ext.reports.matrix_text import deviation_text, heading, top, value_text
from mmseg_ext.reports.page.style import INK, SETTINGS, SMALL, WIDTH, plot, short

CELL = (92, 52)  # px
LEFT, ABOVE, RIGHT, BELOW = 230, 66, 96, 60  # px around the cells: labels of the rows, the scale
SHADES: Colormap = LinearSegmentedColormap.from_list(
    'scores', ['#F4F8FB', '#A9CCE3', '#5B9BC8', '#1F5F93', '#0D3557']
)
NOTHING = '#E3E7EB'
FRAME = COLOURS[1]  # orange, seen on every blue
DARK = 0.55  # from this part of the scale on, numbers are white


def heat_map(matrix: Matrix) -> Markup:
    """The picture as inline SVG, without a title: it stands below a heading."""
    return plot(_said(matrix), size(matrix), lambda figure: _draw(figure, matrix))


def write_heat_map(matrix: Matrix, path: str | Path) -> Path:
    """The picture as a PNG of twice its size on a page."""
    width, height = size(matrix)
    with rc_context(SETTINGS), replacing(path) as partial:
        figure = Figure(figsize=(width / 72, height / 72), layout='constrained')
        _draw(figure, matrix).set_title(heading(matrix.metric), pad=10)
        figure.savefig(partial, dpi=144)
    return Path(path)


def size(matrix: Matrix) -> tuple[float, float]:
    """Width and height in pixels of a page, which the picture does not leave."""
    width = LEFT + RIGHT + CELL[0] * len(matrix.columns)
    return min(width, WIDTH), ABOVE + BELOW + CELL[1] * len(matrix.rows)


def scale(matrix: Matrix) -> float:
    """The score that is drawn darkest: the highest possible, or of a score without such the highest there is."""
    means = [cell.mean for row in matrix.rows for cell in row.cells if cell.values]
    return top(matrix.metric) or max([*means, 0.0]) or 1.0


def _said(matrix: Matrix) -> str:
    cells = (
        f'{row.label} on {name}: {value_text(matrix.metric, cell.mean)}'
        for row in matrix.rows
        for name, cell in zip(matrix.columns, row.cells, strict=True)
    )
    return f'{heading(matrix.metric)}, trained on the rows, tested on the columns. {"; ".join(cells)}'


def _draw(figure: Figure, matrix: Matrix) -> Axes:
    axis = figure.subplots()
    means = [[np.nan if cell.mean is None else cell.mean for cell in row.cells] for row in matrix.rows]
    shades = SHADES.with_extremes(bad=NOTHING)
    image = axis.imshow(np.ma.masked_invalid(means), cmap=shades, vmin=0, vmax=scale(matrix), aspect='auto')
    for y, row in enumerate(matrix.rows):
        for x, cell in enumerate(row.cells):
            _write(axis, x, y, cell, matrix)
            if cell.home:
                axis.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, ec=FRAME, lw=3))
    _label(axis, matrix)
    bar = figure.colorbar(image, ax=axis, fraction=0.05, pad=0.02, aspect=24)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=SMALL, length=3)
    return axis


def _write(axis: Axes, x: int, y: int, cell: Cell, matrix: Matrix) -> None:
    """The mean, and below it in small type the deviation over seeds."""
    if cell.mean is None:
        axis.text(x, y, NONE, ha='center', va='center')
        return
    colour = 'white' if cell.mean / scale(matrix) > DARK else INK
    spread = deviation_text(matrix.metric, cell.sd).strip()
    kind = dict(ha='center', color=colour)
    weight = 'bold' if cell.home else 'normal'
    axis.text(x, y - 0.14 * bool(spread), value_text(matrix.metric, cell.mean), va='center', weight=weight, **kind)
    if spread:
        axis.text(x, y + 0.22, spread, va='center', fontsize=SMALL - 1, **kind)


def _label(axis: Axes, matrix: Matrix) -> None:
    columns, rows = len(matrix.columns), len(matrix.rows)
    # Names side by side need the width of a cell; longer ones go upwards.
    long = max(map(len, matrix.columns)) > 13 or columns > 8
    turned = dict(rotation=25, ha='right', rotation_mode='anchor') if long else {}
    axis.set_xticks(range(columns), [short(name, 24) for name in matrix.columns], **turned)
    axis.set_yticks(range(rows), [short(row.label) for row in matrix.rows])
    axis.set(xlabel='tested on', ylabel='trained on')
    axis.tick_params(length=0)
    axis.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axis.grid(which='minor', color='white', linewidth=2)
    axis.grid(which='major', visible=False)
    axis.tick_params(which='minor', length=0)
    for side in ('left', 'bottom'):
        axis.spines[side].set_visible(False)
