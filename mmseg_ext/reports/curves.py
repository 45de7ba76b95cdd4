"""Curves of one run from the records its training left."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_ext.files import replacing

# Okabe & Ito (2008): eight colours that colour-blind readers can tell apart.
COLOURS = ('#000000', '#E69F00', '#56B4E9', '#009E73', '#F0E442', '#0072B2', '#D55E00', '#CC79A7')
STYLES = ('-', '--', ':')


def read_history(train_dir: str | Path) -> dict[str, dict[int, float]]:
    """{name: {iteration: value}} of everything logged in ``<train_dir>/*/vis_data/*.json``.

    A resumed run leaves one such folder per start; where two speak of one iteration the later start counts.
    """
    history: dict[str, dict[int, float]] = {}
    for file in sorted(Path(train_dir).glob('*/vis_data/scalars.json')):
        for line in file.read_text(encoding='utf-8').splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue  # the line that a kill cut in two
            for name, value in row.items():
                if isinstance(value, int | float):
                    history.setdefault(name, {})[int(row.get('step', 0))] = float(value)
    return history


def plot_curves(train_dir: str | Path, classes: Sequence[str], path: str | Path) -> Path | None:
    """Losses, and IoU, accuracy and found share of every defect class over the iterations, as one PNG."""
    history = read_history(train_dir)
    if not history:
        return None
    figure = Figure(figsize=(12, 7.5), layout='constrained')
    axes = figure.subplots(2, 2)
    losses = [('training', history.get('loss', {})), ('validation', history.get('val_loss', {}))]
    _draw(axes[0, 0], 'loss', [line for line in losses if line[1]])
    for axis, metric, title in (
        (axes[0, 1], 'IoU', 'validation IoU, %'),
        (axes[1, 0], 'Acc', 'validation accuracy (recall), %'),
        (axes[1, 1], 'Found', 'validation defects found, %'),
    ):
        _draw(axis, title, [(name, history.get(f'{metric}.{name}', {})) for name in classes[1:]], top=100)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)
    return Path(path)


def _draw(axis: Axes, title: str, lines: list[tuple[str, dict]], top: float | None = None) -> None:
    for index, (name, points) in enumerate(lines):
        steps = sorted(points)
        values = np.array([points[step] for step in steps])
        colour = COLOURS[(index + 1) % len(COLOURS)]
        marker = 'o' if len(steps) <= 20 else ''
        axis.plot(steps, values, STYLES[index // len(COLOURS) % 3], color=colour, label=name, marker=marker, ms=4)
    axis.set(title=title, xlabel='iteration')
    axis.grid(alpha=0.3)
    if lines:
        axis.legend(fontsize=9)
    if top:
        axis.set_ylim(0, top)
    elif lines and all(min(points.values()) > 0 for _, points in lines):
        axis.set_yscale('log')
