"""Connected regions of an index mask, measured without a second image in memory.

A region is found from its runs (stretches of one class in one row), of which there are few where defects are rare
and never more than a row has pixels where they are not: a hundred-megapixel mask costs one byte a pixel on top.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


class Regions(NamedTuple):
    """One entry a region, in the order of their first pixels (row by row). Lengths in pixels."""

    label: np.ndarray  # class index
    area: np.ndarray
    box: np.ndarray  # (R, 4): left, top, width, height
    centre: np.ndarray  # (R, 2): x, y of the centroid, 0 = the middle of the first pixel
    score: np.ndarray  # mean of the scores of its pixels; NaN without scores


class _Runs(NamedTuple):
    row: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    label: np.ndarray


def measure_regions(mask: np.ndarray, scores: np.ndarray | None = None) -> Regions:
    """The 8-connected regions of every class but 0 of a mask (H, W) uint8.

    ``scores`` (K,) holds one value for each pixel other than 0, row by row. ValueError when there are not as many.
    """
    runs = _runs(mask)
    length = runs.stop - runs.start
    if scores is not None and len(scores) != length.sum():
        raise ValueError(f'{len(scores)} scores for {length.sum()} pixels of defects')
    ids = _first_seen(_linked(runs, mask.shape[1]))
    count = int(ids.max(initial=-1)) + 1
    area = np.bincount(ids, length, count)
    left, top = np.full((2, count), np.iinfo(np.int64).max)
    right, bottom = np.zeros((2, count), np.int64)
    for extreme, values, keep in (
        (left, runs.start, np.minimum),
        (top, runs.row, np.minimum),
        (right, runs.stop, np.maximum),
        (bottom, runs.row + 1, np.maximum),
    ):
        keep.at(extreme, ids, values)
    label = np.zeros(count, np.int64)
    label[ids] = runs.label
    middle = (runs.start + runs.stop - 1) / 2
    centre = np.stack([np.bincount(ids, length * each, count) / area for each in (middle, runs.row)], 1)
    box = np.stack([left, top, right - left, bottom - top], 1)
    return Regions(label, area.astype(np.int64), box, centre, _mean_score(ids, length, area, scores))


def _runs(mask: np.ndarray) -> _Runs:
    """All stretches of one class other than 0, row by row."""
    height, width = mask.shape
    flat = mask.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.union1d(changes, np.arange(0, height * width, max(width, 1)))
    stops = np.append(starts[1:], height * width)
    label = flat[starts]
    starts, stops, label = (each[label > 0] for each in (starts, stops, label))
    row = starts // max(width, 1)
    return _Runs(row, starts - row * width, stops - row * width, label)


def _linked(runs: _Runs, width: int) -> np.ndarray:
    """The number of the region that each run belongs to: runs of one class that touch in the next row are one."""
    stride = width + 2  # room between two rows, so that no run touches one across the border of the image
    first, last = (runs.row * stride + each for each in (runs.start, runs.stop))
    low = np.searchsorted(last, first + stride, 'left')  # touching at a corner counts, hence 'left' and 'right'
    high = np.searchsorted(first, last + stride, 'right')
    many = np.maximum(high - low, 0)
    above = np.repeat(np.arange(len(first)), many)
    below = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(low, many)
    same = runs.label[above] == runs.label[below]
    links = coo_matrix((np.ones(same.sum(), bool), (above[same], below[same])), shape=(len(first),) * 2)
    return connected_components(links, directed=False)[1] if len(first) else np.zeros(0, np.int64)


def _first_seen(ids: np.ndarray) -> np.ndarray:
    """The same partition, numbered in the order in which the numbers first occur."""
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _mean_score(ids: np.ndarray, length: np.ndarray, area: np.ndarray, scores: np.ndarray | None) -> np.ndarray:
    if scores is None or not len(ids):
        return np.full(len(area), np.nan)
    sums = np.add.reduceat(scores.astype(np.float64), np.cumsum(length) - length)
    return np.bincount(ids, sums, len(area)) / area
