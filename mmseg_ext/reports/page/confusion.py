"""Which class is taken for which, as tables: the pixels of all seeds, each true class as 100 %."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmseg_ext.reports.comparison.cells import Line


@dataclass(frozen=True)
class Cell:
    """``text`` is what is shown, ``said`` the counts behind it, ``shade`` 0..1 how dark the cell is."""

    text: str
    said: str
    shade: float


@dataclass(frozen=True)
class Matrix:
    """One line of the table; ``rows`` are (true class, a cell for each predicted one)."""

    line: Line
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def matrices(lines: Sequence[Line]) -> list[Matrix]:
    """The matrix of every line that has counts; runs with other classes than the line's first one are left out."""
    return [matrix for matrix in map(_matrix, lines) if matrix is not None]


def _matrix(line: Line) -> Matrix | None:
    results = [run.result for run in line.runs if run.result.get('confusion')]
    if not results:
        return None
    classes = tuple(results[0]['classes'])
    counts = np.sum([each['confusion'] for each in results if tuple(each['classes']) == classes], 0)
    rows = tuple((name, _cells(name, row, classes)) for name, row in zip(classes, counts, strict=True))
    return Matrix(line, classes, rows)


def _cells(name: str, row: np.ndarray, classes: Sequence[str]) -> tuple[Cell, ...]:
    total = int(row.sum())
    return tuple(_cell(name, other, int(count), total) for other, count in zip(classes, row, strict=True))


def _cell(name: str, other: str, count: int, total: int) -> Cell:
    if not total:
        return Cell('–', f'no pixel is labelled {name}', 0.0)
    what = 'predicted as it' if name == other else f'predicted as {other}'
    said = f'{count:,} of {total:,} pixels labelled {name} are {what}'.replace(',', '\u202f')
    return Cell(percent(count / total), said, count / total)


def percent(share: float) -> str:
    """A share in percent that shows whether it is nothing, next to nothing, or all."""
    value = 100 * share
    if 0 < value < 0.05:
        return '<0.1'
    return '>99.9' if 99.95 < value < 100 else f'{value:.1f}' if 0 < value < 100 else f'{value:.0f}'
