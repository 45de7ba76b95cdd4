"""Precision against recall over all thresholds: a plot and a table for each protocol and tolerance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import Line, ScoreTable
from mmseg_ext.reports.comparison.records import RunRecord
from mmseg_ext.reports.comparison.thresholds import tag_tables
from mmseg_ext.reports.comparison.wording import score
from mmseg_ext.reports.page.scores import models_of
from mmseg_ext.reports.page.style import SMALL, WIDTH, Look, looks, plot, short
from mmseg_ext.score_names import digits, tag_of

COLUMNS = 3  # panels beside each other
ALONE = (410, 385)  # pixels of a plot with one panel: seen whole on a telephone
EQUAL_F1 = tuple(tenth / 10 for tenth in range(1, 10))


@dataclass(frozen=True)
class Swept:
    """The scores of one tag as a table, and its curves as a plot; None where no result holds any."""

    table: ScoreTable
    plot: Markup | None


@dataclass(frozen=True)
class PrecisionRecall:
    """All tags of a table; ``look`` is by the 'group' or 'model' of a line, whichever ``by`` says.

    ``names`` below ``heading`` are those of the lines, without what they all share; ``small`` says that a plot has
    a single panel, so that two fit beside each other.
    """

    by: str
    look: Mapping[str, Look]
    heading: str
    names: tuple[str, ...]
    small: bool
    tags: tuple[Swept, ...]


def precision_recall(table: ScoreTable, look: Mapping[str, Look], label: str) -> PrecisionRecall | None:
    """A part for each tag; None where no result has scores over thresholds.

    A colour stands for a group, as everywhere, and each model has a panel. One panel is enough where every line is
    the only one of its group, or of its model; in the latter case a colour stands for a model.
    """
    by = 'group' if _differ(table.lines, 'group') or not _differ(table.lines, 'model') else 'model'
    look = look if by == 'group' else looks(models_of(table.lines), baseline=False)
    tags = tuple(Swept(each, _plot(each, by, look, label)) for each in tag_tables(table))
    small = len(_panels(table.lines, by)) == 1
    return PrecisionRecall(by, look, *_names(table), small, tags) if tags else None


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


def _plot(table: ScoreTable, by: str, look: Mapping[str, Look], label: str) -> Markup | None:
    tag = tag_of(table.keys[0])
    if not any(len(curve_of(run, tag)) for line in table.lines for run in line.runs):
        return None
    panels = _panels(table.lines, by)
    columns = min(len(panels), COLUMNS)
    deep = math.ceil(len(panels) / columns)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(deep, columns, sharex=True, sharey=True, squeeze=False)
        for axis, (name, lines) in zip(axes.flat, panels, strict=False):
            _finish(axis, short(name, 30))
            for line in lines:
                _line(axis, line, tag, look[getattr(line, by)])
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        figure.supxlabel('recall', fontsize=SMALL)
        figure.supylabel('precision', fontsize=SMALL)

    size = ALONE if len(panels) == 1 else (WIDTH * columns / COLUMNS, 40 + 375 * deep)
    return plot(f'{label}, {table.title}. {_said(table)}', size, draw)


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


def _finish(axis: Axes, title: str) -> None:
    """Both axes from 0 to 1, and the lines of equal F1 with their values at the right."""
    for f1 in EQUAL_F1:
        axis.plot(*equal_f1(f1), color='#D8DEE4', lw=1, zorder=0)
    right = axis.secondary_yaxis('right')
    right.set_yticks([f1 / (2 - f1) for f1 in (*EQUAL_F1, 1)], [*(f'{f1:g}' for f1 in EQUAL_F1), 'F1'])
    right.tick_params(length=0, labelsize=SMALL, colors='#6B747C')
    right.spines['right'].set_visible(False)
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.set_box_aspect(1)
    axis.set_title(title, fontsize=SMALL, fontweight='normal')


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
