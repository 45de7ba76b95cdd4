"""Neighbourhoods by Euclidean distance: all pixels within ``radius`` of a pixel, itself included."""

import numpy as np


def disk_offsets(radius: float) -> np.ndarray:
    """(n, 2) int64: every (row, column) step of length at most ``radius`` pixels, row by row."""
    reach = int(radius)
    steps = np.indices((2 * reach + 1, 2 * reach + 1)).reshape(2, -1).T - reach
    return steps[(steps**2).sum(1) <= radius**2]


def disk_maximum(values: np.ndarray, radius: float) -> np.ndarray:
    """The largest of ``values`` (H, W), any unsigned type, among the pixels within ``radius``; the same type.

    On a mask of 0 and 1 that is the dilation by a disk. A disk is a stack of rows, the longest in the middle: each
    row's maximum grows out of the next shorter one's, so that 4 r passes do what the area of the disk would cost.
    """
    heights = _half_widths(radius)
    row_maximum, result = values.copy(), np.zeros_like(values)
    for width in range(int(radius) + 1):
        if width:
            _raise_by(row_maximum, values, 0, width)
            _raise_by(row_maximum, values, 0, -width)
        for height in np.flatnonzero(heights == width).tolist():
            for rows in {height, -height}:
                _raise_by(result, row_maximum, rows, 0)
    return result


def _half_widths(radius: float) -> np.ndarray:
    """How far the disk reaches to the left and right, 0 to int(radius) rows away from its centre."""
    rows, columns = disk_offsets(radius).T
    return np.array([columns[rows == row].max() for row in range(int(radius) + 1)])


def _raise_by(target: np.ndarray, source: np.ndarray, rows: int, columns: int) -> None:
    """target = max(target, source moved by so many rows down and columns to the right), in place."""
    inside = target[_kept(rows)][:, _kept(columns)]
    np.maximum(inside, source[_kept(-rows)][:, _kept(-columns)], out=inside)


def _kept(shift: int) -> slice:
    """The part of an axis that a shift by so many pixels still covers."""
    return slice(shift, None) if shift >= 0 else slice(None, shift)
