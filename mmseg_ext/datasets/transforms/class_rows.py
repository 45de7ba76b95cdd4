"""Where the classes of a mask are, remembered in a few numbers a row."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ClassRows:
    """How many pixels of each class there are from the top to the end of each row.

    Enough to draw uniformly among all pixels of a class by looking at one row of the mask; four bytes a class and
    row, where the positions themselves would take as many a pixel.

    Args:
        mask: The mask (height, width) that is spoken of, any integer type.
        values: The mask values that occur, ascending (K,).
        ends: Running counts over the rows (K, height), int32.
    """

    mask: np.ndarray
    values: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray) -> 'ClassRows':
        """Look at the whole mask, closely only at rows that are not all 0."""
        busy = np.flatnonzero(mask.any(axis=1))
        part = mask[busy]
        values = values_of(part[part != 0])
        counts = np.zeros((len(values), len(mask)), np.int32)
        for row, value in zip(counts, values, strict=True):
            row[busy] = np.count_nonzero(part == value, axis=1)
        zeros = mask.shape[1] - counts.sum(axis=0, dtype=np.int32)
        if zeros.any():
            place = np.searchsorted(values, 0)  # behind negative values, which wide integers may have
            values, counts = np.insert(values, place, 0), np.insert(counts, place, zeros, axis=0)
        return cls(mask, values, counts.cumsum(axis=1, dtype=np.int32))

    def pixel(self, value: int, number: int) -> tuple[int, int]:
        """Row and column of a pixel of a class; they are numbered from 0, row by row."""
        ends = self.ends[np.searchsorted(self.values, value)]
        row = int(np.searchsorted(ends, number, side='right'))
        before = int(ends[row - 1]) if row else 0
        return row, int(np.flatnonzero(self.mask[row] == value)[number - before])

    def count(self, value: int) -> int:
        """Pixels of a class that occurs."""
        return int(self.ends[np.searchsorted(self.values, value), -1])


def values_of(mask: np.ndarray) -> np.ndarray:
    """The values that occur, ascending; for eight bits without sorting all pixels."""
    if mask.dtype != np.uint8:
        return np.unique(mask)
    seen = np.zeros(256, bool)
    seen[mask.ravel()] = True
    return np.flatnonzero(seen).astype(np.uint8)
