"""A table of numbers that somebody else measured, as a comparison."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from mmseg_ext.errors import UsageError
from mmseg_ext.reports.comparison.records import Comparison, Row, RunRecord

MEANS = {'mIoU': 'mIoU_fg', 'mAcc': 'mAcc_fg'}
FORM = 'a heading for the names, then "<Class> IoU" and "<Class> Acc" of every defect class, then mIoU and mAcc'


def read_given(path: str | Path) -> Comparison:
    """The rows of a CSV file; rows of one name are seeds of each other, the first name is the baseline.

    The first column holds the names, the others are headed as the tables here are. UsageError for any other file.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f'{path}: no such file; give a CSV file with {FORM}')
    with path.open(encoding='utf-8', newline='') as file:
        header, *lines = [line for line in csv.reader(file) if line] or [[]]
    classes = [heading.removesuffix(' IoU') for heading in header if heading.endswith(' IoU')]
    wanted = [*(f'{label} {name}' for label in classes for name in ('IoU', 'Acc')), *MEANS]
    if not classes or header[1:] != wanted or not lines:
        raise UsageError(f'{path}: the columns are {", ".join(header) or "missing"}; a table has {FORM}, and rows')
    by_name: dict[str, list[RunRecord]] = {}
    for number, line in enumerate(lines, 2):
        run = _record(path, number, header, line, ['background', *classes])
        by_name.setdefault(line[0], []).append(run)
    rows = tuple(Row('', name, tuple(runs)) for name, runs in by_name.items())
    return Comparison(path.stem, path.stem, ('', header[0]), 'change', rows)


def _record(path: Path, number: int, header: Sequence[str], line: Sequence[str], classes: list[str]) -> RunRecord:
    """A run that has nothing but scores; an empty field is an undefined one."""
    if len(line) != len(header):
        raise UsageError(f'{path}, line {number}: {len(line)} fields, but {len(header)} headings')
    try:
        values = [_value(text) for text in line[1:]]
    except ValueError as error:
        raise UsageError(f'{path}, line {number}: {error}; scores are numbers in percent, or empty') from error
    scores = {_key(heading): value for heading, value in zip(header[1:], values, strict=True)}
    return RunRecord(path / line[0], None, dict(classes=classes, scores=scores, seed=None), None)


def _value(text: str) -> float | None:
    value = float(text) if text else None
    if value is not None and not math.isfinite(value):
        raise ValueError(f'{text} is no score')
    return value


def _key(heading: str) -> str:
    label, _, name = heading.rpartition(' ')
    return f'{name}.{label}' if label else MEANS[heading]
