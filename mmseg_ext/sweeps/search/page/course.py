"""Plots of the course of a search: trial by trial, iteration by iteration, objective against objective."""

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.trial import TrialState

from mmseg_ext.reports.page.style import BASELINE, WIDTH, plot
from mmseg_ext.sweeps.search.page.drawing import BEST, CROSS, DOT, FINISHED, PRUNED, STAR, Drawing, mark_below
from mmseg_ext.sweeps.search.sharing import place

HEIGHT = 330


def course(drawing: Drawing, index: int) -> Markup:
    """An objective of every trial in their order, and the best so far."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        _best_so_far(axis, drawing, index)
        for trials, look, label in ((drawing.finished, DOT, 'finished'), (drawing.best, STAR, 'best')):
            values = [trial.values[index] for trial in trials]
            axis.plot([place(trial) for trial in trials], values, label=label, **look)
        pruned, failed = (drawing.of(state) for state in (TrialState.PRUNED, TrialState.FAIL))
        mark_below(axis, [place(trial) for trial in pruned], PRUNED, 'given up early')
        mark_below(axis, [place(trial) for trial in failed], CROSS, 'failed')
        axis.set(xlabel='trial', ylabel=drawing.metric(index))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid()
        axis.legend(frameon=False, ncols=5, loc='lower left', bbox_to_anchor=(0, 1))

    return plot(f'{drawing.metric(index)} of every trial in their order', (WIDTH, HEIGHT), draw)


def _best_so_far(axis: Axes, drawing: Drawing, index: int) -> None:
    better, steps = drawing.request.objectives[index].better, []
    for trial in drawing.finished:
        if not steps or better(trial.values[index], steps[-1][1]):
            steps.append((place(trial), trial.values[index]))
    if steps:
        last = max(place(trial) for trial in drawing.trials)
        numbers, values = zip(*steps, (last, steps[-1][1]), strict=True)
        axis.plot(numbers, values, drawstyle='steps-post', color=BEST, label='best so far')


def front(drawing: Drawing) -> Markup:
    """The first objective against each other one; the front of the best trials is drawn out."""
    others = range(1, len(drawing.request.objectives))

    def draw(figure: Figure) -> None:
        for axis, index in zip(figure.subplots(1, len(others), squeeze=False)[0], others, strict=True):
            axis.plot(*_pairs(drawing.finished, index), **DOT)
            best = sorted(drawing.best, key=lambda trial: trial.values[0])
            axis.plot(*_pairs(best, index), color=BEST, lw=1.5, zorder=1)
            axis.plot(*_pairs(best, index), **STAR)
            for trial in best:
                where = trial.values[0], trial.values[index]
                axis.annotate(str(place(trial)), where, (7, 7), textcoords='offset points')
            axis.set(xlabel=_better(drawing, 0), ylabel=_better(drawing, index))
            axis.grid()

    return plot('the objectives against each other', (min(WIDTH, 560 * len(others)), 420), draw)


def _pairs(trials: list, index: int) -> tuple[list[float], list[float]]:
    return [trial.values[0] for trial in trials], [trial.values[index] for trial in trials]


def _better(drawing: Drawing, index: int) -> str:
    way = 'more is better' if drawing.request.objectives[index].direction == 'maximize' else 'less is better'
    return f'{drawing.metric(index)} ({way})'


def curves(drawing: Drawing) -> Markup | None:
    """The objective over the iterations of every trial; None where nothing was followed."""
    followed = [trial for trial in drawing.trials if len(trial.intermediate_values) > 0]
    if not followed:
        return None

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for trial in sorted(followed, key=lambda trial: trial.number in drawing.numbers):
            best, pruned = trial.number in drawing.numbers, trial.state == TrialState.PRUNED
            steps, values = zip(*sorted(trial.intermediate_values.items()), strict=True)
            colour = BEST if best else BASELINE if pruned else FINISHED
            axis.plot(steps, values, color=colour, lw=3 if best else 1.2, alpha=1 if best else 0.6)
            axis.plot(steps[-1:], values[-1:], **(STAR if best else PRUNED if pruned else DOT))
        axis.set(xlabel='iteration', ylabel=drawing.metric(0))
        axis.grid()

    return plot(f'{drawing.metric(0)} over the iterations of every trial', (WIDTH, HEIGHT), draw)
