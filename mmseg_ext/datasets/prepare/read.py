"""Open every item once: what its mask holds, and whether image and mask can be used at all."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image

from mmseg_ext.datasets.diagnose import TURNED, UNREADABLE, read_pair
from mmseg_ext.datasets.pairs import Pair
from mmseg_ext.datasets.prepare.download import Item, Progress
from mmseg_ext.datasets.prepare.masks import UnmappedValuesError
from mmseg_ext.datasets.problems import Problem
from mmseg_ext.errors import DataError

LISTED = 12  # values that the error about unknown ones names

In = TypeVar('In')
Out = TypeVar('Out')


@dataclass
class Reading:
    """One item as found. ``histogram`` (256,) int64 counts its class indices, ``digest`` is the image's SHA-256.

    ``problem`` says why the item is left out, ``unmapped`` which values of its mask mean nothing.
    """

    item: Item
    histogram: np.ndarray | None = None
    digest: str = ''
    problem: Problem | None = None
    unmapped: UnmappedValuesError | None = None


def in_threads(
    work: Callable[[In], Out], jobs: Sequence[In], workers: int, stage: str, progress: Progress | None
) -> Iterator[Out]:
    """Results in the order of ``jobs``; decoders and encoders release Python's lock, so threads do."""
    pool = ThreadPoolExecutor(workers)
    try:
        for done, result in enumerate(pool.map(work, jobs), start=1):
            yield result
            if progress:
                progress(stage, done, len(jobs))
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C need not wait for the rest


def read_items(items: Sequence[Item], workers: int = 4, progress: Progress | None = None) -> list[Reading]:
    """A reading of each item.

    Raises:
        DataError: masks hold values without a class; all of them are listed with their pixels.
    """
    readings = list(in_threads(read_item, items, workers, 'reading', progress))
    unmapped = [reading for reading in readings if reading.unmapped]
    if unmapped:
        raise _unmapped_error(unmapped)
    return readings


def read_item(item: Item) -> Reading:
    """Decode image and mask and compare them; a bad file becomes the reading's problem."""
    found = read_pair(Pair(item.name, str(item.image), None)).problems
    if found:
        return Reading(item, problem=found[0])
    try:
        mask = item.read_mask()
    except UnmappedValuesError as error:
        return Reading(item, unmapped=error)
    except UNREADABLE as error:
        return Reading(item, problem=Problem(str(item.mask), f'cannot be used ({error})', 'restore it'))
    problem = _mismatch(item, mask)
    digest = hashlib.sha256(item.image.read_bytes()).hexdigest()
    return Reading(item, np.bincount(mask.ravel(), minlength=256), digest, problem)


def _mismatch(item: Item, mask: np.ndarray) -> Problem | None:
    height, width = _size(item.image)
    if mask.shape != (height, width):
        what = f'mask of {mask.shape[0]}×{mask.shape[1]} pixels for an image of {height}×{width}'
        return Problem(str(item.mask), what, 'image and mask must be the same picture')
    if item.must_show and not ((mask > 0) & (mask < 255)).any():
        return Problem(str(item.mask), 'an empty mask where a defect should be', 'it would teach the opposite')
    return None


def _size(path: Path) -> tuple[int, int]:
    """(height, width) as a loader sees it, turned by the EXIF tag."""
    with Image.open(path) as image:
        width, height = image.size
        turned = Image.Image.getexif(image).get(ExifTags.Base.Orientation) in TURNED
    return (width, height) if turned else (height, width)


def _unmapped_error(readings: Sequence[Reading]) -> DataError:
    """All values without a class over all masks, the most frequent first, and what to do."""
    counts = sum((Counter(reading.unmapped.counts) for reading in readings), Counter())
    colours = readings[0].unmapped.colours
    names = [(f'#{value:06x}' if colours else str(value), pixels) for value, pixels in counts.most_common(LISTED)]
    listing = ', '.join(f'{name} ({pixels} pixels)' for name, pixels in names)
    more = f' and {len(counts) - LISTED} more' if len(counts) > LISTED else ''
    folder = os.path.commonpath([reading.item.mask.parent for reading in readings])
    return DataError(
        f'{folder}: values without a class in {len(readings)} masks: {listing}{more}; {_advice(names)}'
    )


def _advice(names: Iterable[tuple[str, int]]) -> str:
    first = [name for name, _ in names]
    if len(first) == LISTED:
        return 'soft edges or lossy masks: --threshold 128 makes two classes; else export the masks anew, as PNG'
    examples = ' '.join(f"'{name}=CLASS'" for name in first[:3])
    return f'add to --values: {examples}, where CLASS is an index, a class name or 255 (ignore)'
