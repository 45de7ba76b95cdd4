"""Check all splits of a data set, given as a folder or as a config, and gather one report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.check import Progress, SplitReport, judge, read_pairs
from mmseg_ext.datasets.diagnose import Reading
from mmseg_ext.datasets.leaks import find_leaks
from mmseg_ext.datasets.problems import Problem
from mmseg_ext.datasets.sources import DataSource, from_config, from_folder
from mmseg_ext.errors import UsageError

GREY_FROM = 64  # without a class list, a larger value is taken for a grey level, not for a class


@dataclass
class SetReport:
    """The report of every split, and what concerns the set as a whole."""

    name: str
    classes: tuple[str, ...]
    splits: dict[str, SplitReport]
    own_problems: list[Problem]
    own_notes: list[Problem]

    @property
    def problems(self) -> list[Problem]:
        """Everything that must be put right."""
        return [*self.own_problems, *(p for split in self.splits.values() for p in split.problems)]

    @property
    def notes(self) -> list[Problem]:
        """Everything worth knowing."""
        return [*self.own_notes, *(n for split in self.splits.values() for n in split.notes)]


def check_set(
    target: str | Path, swaps: Sequence[str] = (), workers: int | None = None, progress: Progress | None = None
) -> SetReport:
    """Check every file of a data-set folder, or of the data sets that a config trains and tests on.

    Raises:
        UsageError: ``target`` is neither, or the config cannot be read or built.
        DataError: ``meta.json`` of the folder cannot be read.
    """
    target = Path(target)
    if target.is_dir() and swaps:
        raise UsageError(f'--swap {swaps[0]}: only a config has parts to swap, {target} is a folder')
    return check_source(from_folder(target) if target.is_dir() else from_config(target, swaps), workers, progress)


def check_source(source: DataSource, workers: int | None = None, progress: Progress | None = None) -> SetReport:
    """Read all pairs of all splits, then judge them."""
    total = sum(len(matching.pairs) for matching in source.splits.values())
    readings: dict[str, list[Reading]] = {}
    for name, matching in source.splits.items():
        before = sum(map(len, readings.values()))
        readings[name] = read_pairs(matching.pairs, None, workers, _continued(progress, before, total))
    classes = source.classes or infer_classes([reading for split in readings.values() for reading in split])
    reports = {
        name: judge(matching, readings[name], classes, source.ignore_index)
        for name, matching in source.splits.items()
    }
    notes = find_leaks({name: matching.pairs for name, matching in source.splits.items()})
    return SetReport(source.name, classes, reports, source.problems, notes + list(_absent(reports)))


def _continued(progress: Progress | None, before: int, total: int) -> Progress | None:
    """``progress`` for one split as a part of all: ``before`` pairs are done already."""
    return progress and (lambda done, _: progress(before + done, total))


def _absent(reports: dict[str, SplitReport]) -> Iterator[Problem]:
    """Classes without a single pixel in a split: nothing to learn there, and no score."""
    for split, report in reports.items():
        if report.pixels.sum():
            for index in np.flatnonzero(report.pixels == 0):
                what = f'class {index} ({report.classes[index]}) has no pixel here'
                yield Problem(split, what, 'it cannot be learnt or scored in this split')


def infer_classes(readings: Sequence[Reading]) -> tuple[str, ...]:
    """``class0`` … up to the largest mask value; two classes where the values are grey levels or only 0."""
    counts = sum((reading.histogram for reading in readings if reading.histogram is not None), np.zeros(256, int))
    largest = max(np.flatnonzero(counts[:255]), default=0)
    count = largest + 1 if 1 <= largest < GREY_FROM else 2
    return tuple(f'class{index}' for index in range(count))
