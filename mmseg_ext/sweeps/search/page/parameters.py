"""Plots of the parameters of a search: how much each matters, and which values do well."""

import math
from collections.abc import Mapping

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from optuna.trial import FrozenTrial, TrialState

from mmseg_ext.reports.page.style import WIDTH, plot, short
from mmseg_ext.sweeps.search.page.drawing import DOT, FINISHED, PRUNED, STAR, UNCUT, Drawing, mark_below
from mmseg_ext.sweeps.search.space import Parameter
from mmseg_ext.sweeps.search.trials import VALUES

COLUMNS = 3  # panels beside each other


def importance(drawing: Drawing, index: int, weights: Mapping[str, float]) -> Markup:
    """A bar for each parameter; ``weights`` are shares, 0..1."""
    names = [short(drawing.names[name]) for name in weights]

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        bars = axis.barh(range(len(names)), [100 * each for each in weights.values()], color=FINISHED, height=0.6)
        axis.bar_label(bars, fmt='%.0f %%', padding=4)
        axis.set_yticks(range(len(names)), names)
        axis.invert_yaxis()
        axis.tick_params(axis='y', length=0)
        axis.set(xlim=(0, 108), xlabel=f'share of the importance for {drawing.metric(index)}, %')

    size = (WIDTH / 2, 80 + 32 * len(names))
    return plot(f'importance of the parameters for {drawing.metric(index)}', size, draw)


def slices(drawing: Drawing, index: int) -> Markup:
    """A panel for each parameter: its values against an objective."""
    parameters = drawing.request.space.parameters
    deep = math.ceil(len(parameters) / COLUMNS)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(deep, COLUMNS, sharey=True, squeeze=False)
        for axis, parameter in zip(axes.flat, parameters, strict=False):
            _slice(axis, drawing, index, parameter)
        for axis in axes.flat[len(parameters) :]:
            axis.set_visible(False)
        for row in axes:
            row[0].set_ylabel(drawing.metric(index))

    return plot(f'every parameter against {drawing.metric(index)}', (WIDTH, 40 + 230 * deep), draw)


def _slice(axis: Axes, drawing: Drawing, index: int, parameter: Parameter) -> None:
    for trials, look in ((drawing.finished, DOT), (drawing.best, STAR)):
        points = [(_place(trial, parameter), trial.values[index]) for trial in trials]
        known = [(place, value) for place, value in points if place is not None]
        axis.plot([place for place, _ in known], [value for _, value in known], **UNCUT, **look)
    pruned = (_place(trial, parameter) for trial in drawing.of(TrialState.PRUNED))
    mark_below(axis, [place for place in pruned if place is not None], PRUNED)
    _scale(axis, parameter)
    axis.set_title(short(drawing.names[parameter.name], 40))
    axis.grid()


def _scale(axis: Axes, parameter: Parameter) -> None:
    if parameter.kind == 'choice':
        names = [short(str(value), 16) for value in parameter.values]
        turned = dict(rotation=20, ha='right') if len(names) > 3 else {}
        axis.set_xticks(range(len(names)), names, **turned)
        axis.set_xlim(-0.6, len(names) - 0.4)
        return
    axis.set_xscale('log' if parameter.kind == 'log' else 'linear')
    axis.set_xlim(*parameter.values)
    axis.xaxis.set_major_formatter(lambda value, _: f'{value:g}')
    axis.xaxis.set_minor_formatter(NullFormatter())


def _place(trial: FrozenTrial, parameter: Parameter) -> float | None:
    """Where a trial lies along the axis of a parameter; None where that plays no part in it."""
    values = trial.user_attrs[VALUES]
    if parameter.name not in values:
        return None
    value = values[parameter.name]
    return parameter.values.index(value) if parameter.kind == 'choice' else value
