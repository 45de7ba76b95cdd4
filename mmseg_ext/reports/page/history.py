"""Validation scores over the iterations: one plot a class and metric, a panel a model, a line a group."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import Line
from mmseg_ext.reports.page.scores import models_of
from mmseg_ext.reports.page.style import SMALL, WIDTH, Look, plot, short

Curve = Mapping[int, float]  # {iteration: score}
COLUMNS = 4  # panels beside each other


def history(
    lines: Sequence[Line],
    look: Mapping[str, Look],
    logged: Mapping[Path, Mapping[str, Curve]],
    key: str,
    title: str,
    label: str,
) -> Markup | None:
    """``key`` of every run as a thin line, its mean over seeds as a thick one; None when no run has it.

    ``logged`` holds what the runs recorded, by their folders.
    """
    curves = {id(line): [_known(logged[run.folder].get(key, {})) for run in line.runs] for line in lines}
    if not any(map(any, curves.values())):
        return None
    models = models_of(lines)
    columns = min(len(models), COLUMNS)
    deep = math.ceil(len(models) / columns)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(deep, columns, sharex=True, sharey=True, squeeze=False)
        for axis, model in zip(axes.flat, models, strict=False):
            for line in lines:
                if line.model == model:
                    _group(axis, [curve for curve in curves[id(line)] if curve], look[line.group])
            _finish(axis, short(model, 30) if len(models) > 1 else '')
        for axis in axes.flat[len(models) :]:
            axis.set_visible(False)
        axes[0, 0].set_ylim(0, None)
        figure.suptitle(title, x=0.01, ha='left', fontsize=13, fontweight='bold')
        figure.supxlabel('iteration', fontsize=SMALL)

    size = (WIDTH if len(models) > 1 else WIDTH / 2, 72 + (200 if len(models) == 1 else 150) * deep)
    return plot(label, size, draw)


def _known(curve: Curve) -> Curve:
    """Without the iterations at which the score was undefined."""
    return {step: value for step, value in curve.items() if not math.isnan(value)}


def _group(axis: Axes, seeds: Sequence[Curve], look: Look) -> None:
    points = [np.array(sorted(curve.items())) for curve in seeds]
    if not points:
        return
    if len(points) > 1:
        axis.add_collection(LineCollection(points, colors=look.colour, linewidths=0.9, alpha=0.45))
        axis.update_datalim(np.concatenate(points))
    steps, mean = mean_over_seeds(seeds)
    every = max(len(steps) // 8, 1)
    axis.plot(steps, mean, ls=look.line, color=look.colour, lw=2.5, marker=look.marker, ms=6, markevery=every)


def mean_over_seeds(seeds: Sequence[Curve]) -> tuple[list[int], list[float]]:
    """Iterations for which every curve has a value, and the mean of the curves there."""
    steps = sorted(set.intersection(*map(set, seeds)))
    return steps, [sum(curve[step] for curve in seeds) / len(seeds) for step in steps]


def _finish(axis: Axes, title: str) -> None:
    axis.set_title(title, fontsize=SMALL, fontweight='normal')
    axis.grid()
    axis.margins(x=0.02)
    axis.locator_params(nbins=5)
    axis.xaxis.set_major_formatter(lambda step, _: f'{step / 1000:g}k' if abs(step) >= 10_000 else f'{step:g}')
