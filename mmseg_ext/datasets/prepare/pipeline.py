"""From a download to a data set: find, read, group, split, write."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from mmseg_ext.datasets.check import SplitReport
from mmseg_ext.datasets.prepare.download import SPLITS, Download, Options, Progress
from mmseg_ext.datasets.prepare.facts import describe, notes_on
from mmseg_ext.datasets.prepare.groups import equal_keys, group_by_links
from mmseg_ext.datasets.prepare.overlap import overlapping
from mmseg_ext.datasets.prepare.read import Reading, read_items
from mmseg_ext.datasets.prepare.sources import SOURCES
from mmseg_ext.datasets.prepare.split import assign, open_shares
from mmseg_ext.datasets.prepare.target import building, check_target
from mmseg_ext.datasets.prepare.write import Entry, split_report, write_entries, write_index
from mmseg_ext.datasets.problems import Problem, data_error
from mmseg_ext.errors import DataError, UsageError
from mmseg_ext.files import write_json


@dataclass(frozen=True)
class Prepared:
    """A written set: its classes, the counts of every split, and what the report tells besides.

    ``groups``: how many groups of pictures each split holds.
    """

    options: Options
    classes: tuple[str, ...]
    splits: dict[str, SplitReport]
    groups: dict[str, int]
    left_out: list[Problem]
    notes: list[Problem]


def prepare_set(name: str, options: Options, progress: Progress | None = None) -> Prepared:
    """Write the download of the source ``name`` as a data set to ``options.out``.

    The same download, options and version write the same bytes, whatever the number of workers.

    Raises:
        UsageError: no such download, or a target that must not be written.
        DataError: masks with unknown values, or nothing usable.
    """
    sources = [path for path in (options.src, options.images, options.masks, options.surface) if path]
    check_target(options.out, sources, options.overwrite)
    download = SOURCES[name].scan(options)
    good, left_out = sift(download, read_items(download.items, options.workers, progress))
    groups = find_groups(download, good, options, progress)
    parts = choose_splits(good, groups, options, len(download.classes))
    entries = make_entries(good, groups, parts)
    splits = {part: [entry for entry in entries if entry.split == part] for part in SPLITS}
    reports = {part: split_report(found, download.classes) for part, found in splits.items() if found}
    prepared = Prepared(
        options,
        download.classes,
        reports,
        {part: len({entry.group for entry in splits[part]}) for part in reports},
        left_out,
        [*download.notes, *notes_on(entries, reports)],
    )
    try:
        with building(options.out) as folder:
            write_entries(folder, entries, options.link, options.workers, progress)
            write_index(folder / 'index.csv', entries, download.root)
            meta = describe(name, download, options, reports, prepared.groups, left_out)
            write_json(folder / 'meta.json', meta)
    except OSError as error:
        raise UsageError(f'cannot write {options.out}: {error}') from error
    return prepared


def sift(download: Download, readings: Sequence[Reading]) -> tuple[list[Reading], list[Problem]]:
    """What can be used, sorted by name and each name once, and what is left out.

    Raises:
        DataError: nothing is left.
    """
    good: dict[str, Reading] = {}
    left_out = list(download.left_out)
    for reading in readings:
        if not reading.problem and reading.item.name in good:
            what = f'a second picture of the name {reading.item.name}'
            reading.problem = Problem(str(reading.item.image), what, 'the first is kept')
        if reading.problem:
            left_out.append(reading.problem)
        else:
            good[reading.item.name] = reading
    if not good:
        raise data_error(str(download.root), left_out) if left_out else DataError(f'{download.root}: no picture')
    return [good[name] for name in sorted(good)], left_out


def find_groups(
    download: Download, readings: Sequence[Reading], options: Options, progress: Progress | None
) -> np.ndarray:
    """Group of each reading, (N,) int: equal keys, equal files, and what the source's own links find."""
    items = [reading.item for reading in readings]
    finders = dict.fromkeys([*download.links, *([overlapping] if options.overlap else [])])  # each once
    links = [equal_keys([item.group for item in items]), equal_keys([reading.digest for reading in readings])]
    return group_by_links(len(items), chain(*links, *(find(items, progress) for find in finders)))


def choose_splits(readings: Sequence[Reading], groups: np.ndarray, options: Options, classes: int) -> list[str]:
    """The official part where there is one; the other pictures share the parts that are left.

    Raises:
        UsageError: shares are asked for and all is official, or they leave no part for the rest.
    """
    parts = [reading.item.split for reading in readings]
    rest = np.array([index for index, part in enumerate(parts) if part is None], int)
    if not len(rest):
        if options.split:
            raise UsageError('--split: the source has an official split, which is kept; leave it out')
        return parts
    shares = open_shares(options.split, {part for part in parts if part})
    if not shares:
        raise UsageError(f'--split {" ".join(map(str, options.split))}: no part left for {len(rest)} pictures')
    histograms = np.array([readings[index].histogram[:classes] for index in rest])
    own = np.unique(groups[rest], return_inverse=True)[1]
    for index, part in zip(rest, assign(own, histograms, shares, options.seed), strict=True):
        parts[index] = part
    return parts


def make_entries(readings: Sequence[Reading], groups: np.ndarray, parts: Sequence[str]) -> list[Entry]:
    """Entries sorted by split and name; a group is called by its first picture."""
    first = {group: readings[index].item.name for index, group in reversed(list(enumerate(groups)))}
    entries = [Entry(*each) for each in zip(readings, parts, (first[group] for group in groups), strict=True)]
    return sorted(entries, key=lambda entry: (SPLITS.index(entry.split), entry.reading.item.name))
