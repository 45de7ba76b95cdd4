"""What stands out in a table: gains and losses against a baseline, or the best and second best of a column."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mmseg_ext.reports.comparison.cells import BEST, BETTER, GAIN, LOSS, SECOND, WORSE, Cell, Change, Line
from mmseg_ext.reports.comparison.noise import Resampled, changes
from mmseg_ext.reports.comparison.records import Comparison

DIGITS = 2  # of the means in a table: what looks equal is equal


def mark(lines: Sequence[Line], noise: Sequence[Resampled | str], comparison: Comparison) -> list[Line]:
    """The lines with changes and marks, by the rule of the plan; ``noise`` belongs to the lines in their order."""
    if comparison.marks == 'change':
        return _mark_changes(lines, noise, baselines(comparison))
    return _mark_best(lines, noise)


def baselines(comparison: Comparison) -> dict[str, str]:
    """The first group of each model."""
    return {row.model: row.group for row in reversed(comparison.rows)}


def _mark_changes(lines: Sequence[Line], noise: Sequence[Resampled | str], first: dict[str, str]) -> list[Line]:
    base = {line.model: index for index, line in enumerate(lines) if line.group == first[line.model]}
    marked = list(lines)
    for index, line in enumerate(lines):
        start = base.get(line.model, index)
        if start != index:
            found = changes(line.cells, lines[start].cells, noise[index], noise[start], lines[start].label)
            cells = zip(line.cells, found, strict=True)
            marked[index] = replace(line, cells=tuple(_changed(cell, change) for cell, change in cells))
    return marked


def _changed(cell: Cell, change: Change | None) -> Cell:
    verdict = change.verdict if change else ''
    return replace(cell, change=change, mark={GAIN: BETTER, LOSS: WORSE}.get(verdict, ''))


def blocks(lines: Sequence[Line]) -> list[list[int]]:
    """Which lines compete: those of one model if every model has several, else all; only those with scores."""
    by_model: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        if line.scored:
            by_model.setdefault(line.model, []).append(index)
    if all(len(indices) > 1 for indices in by_model.values()):
        return list(by_model.values())
    return [sorted(index for indices in by_model.values() for index in indices)]


def _mark_best(lines: Sequence[Line], noise: Sequence[Resampled | str]) -> list[Line]:
    marked = list(lines)
    for block in blocks(lines):
        for column in range(len(lines[block[0]].cells) if block else 0):
            _mark_column(marked, noise, block, column)
    return marked


def _mark_column(marked: list[Line], noise: Sequence[Resampled | str], block: list[int], column: int) -> None:
    """Marks in place. Where all that have a score have the same, nothing stands out."""
    means = {index: round(marked[index].cells[column].mean, DIGITS) for index in block}
    known = {index: mean for index, mean in means.items() if not np.isnan(mean)}
    ranks = sorted(set(known.values()), reverse=True)
    if len(ranks) < 2:
        return
    best = next(index for index in known if known[index] == ranks[0])
    for index, mean in known.items():
        line, top, change = marked[index], marked[best], None
        if index != best:
            change = changes(line.cells, top.cells, noise[index], noise[best], top.label)[column]
        name = {0: BEST, 1: SECOND}.get(ranks.index(mean), '')
        level = mean < ranks[0] and change.inside
        cell = replace(line.cells[column], change=change, mark=name, level=level)
        marked[index] = replace(line, cells=(*line.cells[:column], cell, *line.cells[column + 1 :]))
