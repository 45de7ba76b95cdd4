"""What a prepared set says of itself: oddities for the report, and meta.json."""

import shlex
from collections.abc import Sequence

import numpy as np

from mmseg_ext.datasets.check import SplitReport
from mmseg_ext.datasets.prepare.download import SPLITS, Download, Options
from mmseg_ext.datasets.prepare.write import Entry, statistics
from mmseg_ext.datasets.problems import Problem

WORDS = ('image_suffix', 'mask_suffix', 'threshold', 'group_by')  # options of one value that change the set
LISTS = ('classes', 'values')
FLAGS = ('overlap', 'binary')


def notes_on(entries: Sequence[Entry], reports: dict[str, SplitReport]) -> list[Problem]:
    """Groups that an official split divides, missing parts, and classes that a part lacks."""
    return [*_divided(entries), *_missing(reports)]


def _divided(entries: Sequence[Entry]) -> list[Problem]:
    parts: dict[str, set[str]] = {}
    for entry in entries:
        parts.setdefault(entry.group, set()).add(entry.split)
    places = {group: ' and '.join(sorted(found, key=SPLITS.index))
              for group, found in parts.items() if len(found) > 1}  # fmt: skip
    cure = 'the official split is kept: know it when you read its scores'
    return [Problem(group, f'pictures of one object lie in {where}', cure) for group, where in places.items()]


def _missing(reports: dict[str, SplitReport]) -> list[Problem]:
    cure = 'training needs train and val, a test needs test; --split divides what has no official split'
    notes = [Problem(part, 'no picture in it', cure) for part in SPLITS if part not in reports]
    for part, report in reports.items():
        for index in np.flatnonzero(report.images_with == 0):
            what = f'no picture shows class {index} ({report.classes[index]})'
            notes.append(Problem(part, what, 'it cannot be learnt or scored there'))
    return notes


def describe(
    name: str,
    download: Download,
    options: Options,
    splits: dict[str, SplitReport],
    groups: dict[str, int],
    left_out: Sequence[Problem],
) -> dict:
    """meta.json: nothing in it depends on the machine or the hour."""
    root = f'{download.root}/'
    return {
        'name': options.out.name,
        'classes': list(download.classes),
        'palette': download.palette,
        'ignore_index': 255,
        'source': name,
        'seed': options.seed,
        'command': command(name, options),
        'stats': {part: statistics(report) for part, report in splits.items()},
        'groups': groups,
        'left_out': [{'file': each.path.removeprefix(root), 'reason': each.what} for each in left_out],
    }


def command(name: str, options: Options) -> str:
    """The command line that writes the same set, with the folders left to the reader."""
    words = ['python tools/prepare_dataset.py', name, '--src DOWNLOAD', f'--seed {options.seed}']
    if options.split:
        words.append('--split ' + ' '.join(f'{share:g}' for share in options.split))
    given = ((flag, getattr(options, flag)) for flag in WORDS)
    words += [
        f'--{flag.replace("_", "-")} {shlex.quote(str(value))}' for flag, value in given if value is not None
    ]
    words += [f'--{flag} {shlex.join(getattr(options, flag))}' for flag in LISTS if getattr(options, flag)]
    return ' '.join(words + [f'--{flag}' for flag in FLAGS if getattr(options, flag)])
