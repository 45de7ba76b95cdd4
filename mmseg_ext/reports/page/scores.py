"""What the plots read from the lines of a table."""

from collections.abc import Sequence

import numpy as np

from mmseg_ext.reports.comparison.cells import Cell, Line, ScoreTable


def cell_of(table: ScoreTable, line: Line, key: str) -> Cell:
    """The cell of a line below the score ``key``."""
    return line.cells[table.keys.index(key)]


def defined(cell: Cell) -> np.ndarray:
    """The score of every seed for which it is defined, in percent."""
    return np.array([value for value in cell.values if not np.isnan(value)], float)


def scored(table: ScoreTable, key: str = 'mIoU_fg') -> list[Line]:
    """The lines with a mean of ``key``."""
    return [line for line in table.lines if key in table.keys and not np.isnan(cell_of(table, line, key).mean)]


def defect_classes(table: ScoreTable) -> tuple[str, ...]:
    """The classes of a table but the background; none without any result."""
    results = (run.result for line in table.lines for run in line.runs)
    return tuple(next((result['classes'][1:] for result in results), ()))


def image_scores(line: Line) -> np.ndarray | None:
    """IoU of the defects in every test image, percent, mean over seeds, (N,); None without counts for any run.

    NaN where no class is labelled or predicted. Runs that name other images than the first one are left out.
    """
    counted = [run.per_image.sorted() for run in line.runs if run.per_image is not None]
    same = [image_iou(each.counts) for each in counted if each.names == counted[0].names]
    return nanmean(np.stack(same)) if same else None


def image_iou(counts: np.ndarray) -> np.ndarray:
    """Mean IoU in percent, (N,), over the defects that are labelled or predicted in an image; NaN where none is.

    ``counts`` (N, C, 3) are the pixels that are correct, labelled and predicted; class 0 is the background.
    """
    correct, labelled, predicted = np.moveaxis(counts[:, 1:], -1, 0).astype(float)
    union = labelled + predicted - correct
    return 100 * nanmean(np.divide(correct, union, out=np.full_like(union, np.nan), where=union > 0).T)


def nanmean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is defined; NaN, without a warning, where nothing is."""
    there = ~np.isnan(values)
    total, count = np.where(there, values, 0).sum(0), there.sum(0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def models_of(lines: Sequence[Line]) -> list[str]:
    """The models in the order of the lines."""
    return list(dict.fromkeys(line.model for line in lines))
