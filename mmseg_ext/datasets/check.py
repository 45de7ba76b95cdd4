"""The one check of a data set's files, used by the data set, before a run and by tools/check_dataset.py.

``check_split`` looks at all pairs and reports everything that is wrong with them in one pass.
"""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.diagnose import Reading, read_pair
from mmseg_ext.datasets.pairs import Matching, Pair, match_pairs
from mmseg_ext.datasets.problems import Problem
from mmseg_ext.datasets.values import value_problem

__all__ = ['Problem', 'SplitReport', 'check_matching', 'check_split']

Progress = Callable[[int, int], None]


@dataclass
class SplitReport:
    """What a split holds and what is wrong with it.

    ``images``: pairs found; ``checked``: how many of them were decoded, the others by their headers only.
    ``pixels`` and ``images_with``, (C,) int64: pixels of each class and images that contain it, in decoded masks;
    ``ignored``: pixels to ignore. ``notes`` are oddities that training survives, ``problems`` those it does not.
    """

    classes: tuple[str, ...]
    images: int
    checked: int
    pixels: np.ndarray
    images_with: np.ndarray
    ignored: int
    problems: list[Problem]
    notes: list[Problem]

    @property
    def shares(self) -> np.ndarray:
        """Share of each class among the pixels that are not ignored, (C,); NaN where there is no such pixel."""
        total = self.pixels.sum()
        return self.pixels / total if total else np.full(len(self.classes), np.nan)


def check_split(
    img_dir: str | Path,
    ann_dir: str | Path | None,
    classes: Sequence[str],
    ignore_index: int = 255,
    sample: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SplitReport:
    """Check one split: pairing, headers, and the contents of all pairs or of a seeded ``sample`` of so many.

    ``ann_dir`` None means prediction only. ``progress(done, total)`` is called after every pair. Nothing is raised
    for bad data: each finding is in the report.
    """
    return check_matching(match_pairs(img_dir, ann_dir), classes, ignore_index, sample, workers, progress)


def check_matching(
    matching: Matching,
    classes: Sequence[str],
    ignore_index: int = 255,
    sample: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SplitReport:
    """``check_split`` for pairs that are already matched."""
    return judge(matching, read_pairs(matching.pairs, sample, workers, progress), classes, ignore_index)


def read_pairs(
    pairs: Sequence[Pair], sample: int | None = None, workers: int | None = None, progress: Progress | None = None
) -> list[Reading]:
    """Open all pairs in threads (decoders release Python's lock) and decode a seeded sample of them, or all."""
    count = len(pairs) if sample is None else min(sample, len(pairs))
    decode = np.isin(np.arange(len(pairs)), random.Random(0).sample(range(len(pairs)), count))
    pool = ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1))
    try:
        return list(_counted(pool.map(read_pair, pairs, decode), len(pairs), progress))
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C need not wait for the rest


def _counted(readings: Iterator[Reading], total: int, progress: Progress | None) -> Iterator[Reading]:
    for done, reading in enumerate(readings, start=1):
        if progress:
            progress(done, total)
        yield reading


def judge(
    matching: Matching, readings: Sequence[Reading], classes: Sequence[str], ignore_index: int = 255
) -> SplitReport:
    """Count the classes over all readings, and gather what is wrong with pairs, files and the masks' values."""
    labelled = [reading for reading in readings if reading.histogram is not None]
    counts = np.array([reading.histogram for reading in labelled], np.int64).reshape(-1, 256)
    overall = counts.sum(0)
    values = (value_problem(r.pair.mask, r.histogram, overall, classes, ignore_index) for r in labelled)
    return SplitReport(
        classes=tuple(classes),
        images=len(readings),
        checked=sum(reading.decoded for reading in readings),
        pixels=overall[: len(classes)],
        images_with=(counts[:, : len(classes)] > 0).sum(0),
        ignored=int(overall[ignore_index]),
        problems=[*matching.problems, *(p for r in readings for p in r.problems), *filter(None, values)],
        notes=[note for reading in readings for note in reading.notes],
    )
