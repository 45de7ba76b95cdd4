"""Defects counted as things rather than pixels: which are found, and which predictions are false alarms."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


class ComponentCounts(NamedTuple):
    """Numbers of connected components of one class in one image."""

    found: int
    total: int
    false_alarms: int


def count_components(predicted: np.ndarray, true: np.ndarray, min_overlap: float = 0.0) -> ComponentCounts:
    """Compare the 8-connected components of two boolean masks (H, W) of one class.

    A true component is found when at least one of its pixels, and at least the share ``min_overlap`` of them, is
    predicted. A predicted component is a false alarm when it has no pixel in common with any true one; lying
    beside it is not enough. Whoever ignores pixels clears them in both masks first.
    """
    window = bounding_box(predicted | true)
    predicted, true = predicted[window], true[window]
    true_ids, total = ndimage.label(true, EIGHT_NEIGHBOURS)
    predicted_ids, alarms = ndimage.label(predicted, EIGHT_NEIGHBOURS)
    sizes = np.bincount(true_ids.ravel(), minlength=total + 1)[1:]
    overlap = np.bincount(true_ids[predicted], minlength=total + 1)[1:]
    # A division, because 0.07 * 100 > 7 in floating point while 7 / 100 == 0.07.
    found = np.count_nonzero((overlap > 0) & (overlap / sizes >= min_overlap))
    hitting = np.unique(predicted_ids[predicted & true]).size
    return ComponentCounts(found, total, alarms - hitting)


def bounding_box(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold every set pixel: labelling a few hundred pixels instead of the whole image."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not rows.size:
        return slice(0), slice(0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
