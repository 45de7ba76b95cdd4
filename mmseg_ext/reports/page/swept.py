"""The small tables of a page with their plots: what a colour stands for, and a panel for each model."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import Line, ScoreTable
from mmseg_ext.reports.comparison.small_tables import Family, small_tables
from mmseg_ext.reports.page.scores import models_of
from mmseg_ext.reports.page.style import SMALL, WIDTH, Look, looks, plot, short

COLUMNS = 3  # panels beside each other
NARROW = 4  # columns of a table that takes half of the page
ALONE = (410, 385)  # pixels of a plot with one panel: seen whole on a telephone
Draw = Callable[[ScoreTable, 'Palette'], Markup | None]


@dataclass(frozen=True)
class Palette:
    """``look`` by the 'group' or 'model' of a line, whichever ``by`` says."""

    by: str
    look: Mapping[str, Look]

    def of(self, line: Line) -> Look:
        """How a line is drawn."""
        return self.look[getattr(line, self.by)]


@dataclass(frozen=True)
class Swept:
    """The scores of one tag as a table, and its curves as a plot; None where no result holds any."""

    table: ScoreTable
    plot: Markup | None


@dataclass(frozen=True)
class SweptPart:
    """All tables of a family; ``look`` is by the 'group' or 'model' of a line, whichever ``by`` says.

    ``names`` below ``heading`` are those of the lines, without what they all share; ``small`` says that a plot has
    a single panel and a table few columns, so that two fit beside each other.
    """

    by: str
    look: Mapping[str, Look]
    heading: str
    names: tuple[str, ...]
    small: bool
    tags: tuple[Swept, ...]


def swept_part(table: ScoreTable, look: Mapping[str, Look], family: Family, draw: Draw) -> SweptPart | None:
    """A table and what ``draw`` makes of it for each tag; None where no result has scores of the family.

    A colour stands for a group, as everywhere, and each model has a panel. One panel is enough where every line is
    the only one of its group, or of its model; in the latter case a colour stands for a model.
    """
    by = 'group' if _differ(table.lines, 'group') or not _differ(table.lines, 'model') else 'model'
    look = look if by == 'group' else looks(models_of(table.lines), baseline=False)
    tags = tuple(Swept(each, draw(each, Palette(by, look))) for each in small_tables(table, [family]))
    small = len(_panels(table.lines, by)) == 1 and len(family.names) <= NARROW
    return SweptPart(by, look, *_names(table), small, tags) if tags else None


def panels(
    lines: Sequence[Line],
    palette: Palette,
    label: str,
    axes_labels: tuple[str, str],
    finish: Callable[[Axes], None],
    draw_line: Callable[[Axes, Line, Look], None],
) -> Markup:
    """A plot of all lines: a panel for each model, or one, each finished and then drawn into."""
    shown = _panels(lines, palette.by)
    columns = min(len(shown), COLUMNS)
    deep = math.ceil(len(shown) / columns)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(deep, columns, sharex=True, sharey=True, squeeze=False)
        for axis, (name, own) in zip(axes.flat, shown, strict=False):
            finish(axis)
            axis.set_title(short(name, 30), fontsize=SMALL, fontweight='normal')
            for line in own:
                draw_line(axis, line, palette.of(line))
        for axis in axes.flat[len(shown) :]:
            axis.set_visible(False)
        figure.supxlabel(axes_labels[0], fontsize=SMALL)
        figure.supylabel(axes_labels[1], fontsize=SMALL)

    size = ALONE if len(shown) == 1 else (WIDTH * columns / COLUMNS, 40 + 375 * deep)
    return plot(label, size, draw)


def _names(table: ScoreTable) -> tuple[str, tuple[str, ...]]:
    """What stands above the names of the lines, and these."""
    model, group = table.comparison.columns
    if len({line.model for line in table.lines}) == 1:
        return group, tuple(line.group for line in table.lines)
    if len({line.group for line in table.lines}) == 1:
        return model, tuple(line.model for line in table.lines)
    return ', '.join(filter(None, (model, group))), tuple(line.label for line in table.lines)


def _differ(lines: Sequence[Line], attribute: str) -> bool:
    return len({getattr(line, attribute) for line in lines}) == len(lines)


def _panels(lines: Sequence[Line], by: str) -> list[tuple[str, Sequence[Line]]]:
    """(title, lines) of each panel."""
    if _differ(lines, by):
        return [('', lines)]
    return [(model, [line for line in lines if line.model == model]) for model in models_of(lines)]
