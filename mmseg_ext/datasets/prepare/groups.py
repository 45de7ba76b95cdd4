"""Which pictures show the same object: they must not be divided between training and test."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Link = tuple[int, int]

SIDE = 16  # of a thumbnail, in pixels


def group_by_links(count: int, links: Iterable[Link]) -> np.ndarray:
    """Group of each of ``count`` pictures, (count,) int, numbered by first occurrence; links are transitive."""
    pairs = np.array(sorted(set(links)), int).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    first = np.unique(labels, return_index=True)[1]
    return np.argsort(np.argsort(first))[labels]


def equal_keys(keys: Sequence[Hashable | None]) -> Iterator[Link]:
    """Links between pictures of equal keys; None is no key."""
    last: dict[Hashable, int] = {}
    for index, key in enumerate(keys):
        if key is not None:
            if key in last:
                yield last[key], index
            last[key] = index


def near_numbers(numbers: Sequence[int], gap: int) -> Iterator[Link]:
    """Links between neighbours in the order of their running numbers that are at most ``gap`` apart."""
    order = np.argsort(numbers, kind='stable').tolist()
    for before, after in pairwise(order):
        if numbers[after] - numbers[before] <= gap:
            yield before, after


def alike_thumbnails(paths: Sequence[Path], least: float) -> Iterator[Link]:
    """Links between pictures whose grey 16 x 16 thumbnails correlate above ``least`` (-1..1).

    The correlation knows neither brightness nor contrast, so two exposures of one view are alike.
    """
    thumbnails = np.stack([_thumbnail(path) for path in paths])
    for start in range(0, len(paths), 1024):  # rows at a time: the whole table of a large set fills the memory
        rows, columns = np.nonzero(thumbnails[start : start + 1024] @ thumbnails.T > least)
        yield from ((a, b) for a, b in zip((rows + start).tolist(), columns.tolist(), strict=True) if a < b)


def read_grey(path: Path) -> np.ndarray:
    """A picture as one channel of 8 bits, (H, W)."""
    with Image.open(path) as image:
        return np.asarray(image.convert('L'))


def _thumbnail(path: Path) -> np.ndarray:
    """(256,) of mean 0 and length 1; zeros for a picture of one shade."""
    small = cv2.resize(read_grey(path), (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(float).ravel()
    small -= small.mean()
    return small / max(np.linalg.norm(small), 1e-9)
