"""Trained on one data set, tested on the others: a matrix for each score, a row for each training set."""

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from mmseg_ext.errors import UsageError, near

DEFAULT = 'mIoU_fg'  # of two classes it is the IoU of class 1
CURVE = 'ODS@'
SHORT = 24  # letters of a recipe's name that a label takes as a whole


@dataclass(frozen=True)
class Judging:
    """One run judged on one data set.

    ``recipe`` and ``config_hash`` are those of the training. ``home``: it is the set of the training itself.
    ``result`` is the content of the ``result.json`` of this judging.
    """

    run: Path
    recipe: str
    config_hash: str
    trained_on: str
    tested_on: str
    home: bool
    result: dict[str, Any]

    @property
    def method(self) -> str:
        """The recipe without the name of its data set: equal for trainings that differ in the data alone."""
        return re.sub(rf'[_-]{re.escape(self.trained_on)}(?=[_+-]|$)', '', self.recipe, count=1)

    def score(self, metric: str) -> float | None:
        """The value of a score; None where it is not defined or was not measured."""
        return self.result['scores'].get(metric)


@dataclass(frozen=True)
class Cell:
    """The scores of all seeds of one row on one set; those that are not defined are left out."""

    values: tuple[float, ...]
    home: bool

    @property
    def mean(self) -> float | None:
        """The mean over seeds; None without any value."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def sd(self) -> float | None:
        """The standard deviation over seeds (n - 1); None of fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Row:
    """One recipe trained on one set, by all its seeds; a cell for each column."""

    label: str
    cells: tuple[Cell, ...]

    def means(self, home: bool) -> list[float]:
        """What is defined on its own set (``home``), or on the others."""
        return [cell.mean for cell in self.cells if cell.home == home and cell.values]


@dataclass(frozen=True)
class Matrix:
    """One score; ``columns`` are the names of the tested sets."""

    metric: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @cached_property
    def home_and_away(self) -> tuple[float, float] | None:
        """Means of the cells on the own set and on the others, of the rows that have both; None without such."""
        both = [row for row in self.rows if row.means(True) and row.means(False)]
        if not both:
            return None
        own, others = ([mean for row in both for mean in row.means(home)] for home in (True, False))
        return statistics.fmean(own), statistics.fmean(others)


def matrices(tested: Sequence[Judging], metrics: Sequence[str] = ()) -> list[Matrix]:
    """A matrix for each of ``metrics``; without any, for the IoU of the defects and every ODS that was measured.

    A name such as ``ODS`` stands for it under all protocols. UsageError for a name that no result has.
    """
    columns, rows = columns_of(tested), rows_of(tested)
    return [
        Matrix(name, columns, tuple(_row(label, row, name, columns) for label, row in rows.items()))
        for name in _chosen(tested, metrics)
    ]


def columns_of(tested: Iterable[Judging]) -> tuple[str, ...]:
    """The names of the sets, in order."""
    return tuple(dict.fromkeys(each.tested_on for each in tested))


def rows_of(tested: Sequence[Judging]) -> dict[str, list[Judging]]:
    """What belongs to one row, by its label: seeds of one config. Recipes in order, their sets as the columns are.

    The label is the training set; of several recipes also their names, of long ones the part in which they differ.
    """
    rows: dict[tuple[str, str, str], list[Judging]] = {}
    for each in tested:
        rows.setdefault((each.method, each.trained_on, each.config_hash), []).append(each)
    methods, columns = list(dict.fromkeys(method for method, *_ in rows)), columns_of(tested)

    def place(key: tuple[str, str, str]) -> tuple[int, int]:
        home = (columns.index(each.tested_on) for each in rows[key] if each.home)
        return methods.index(key[0]), next(home, len(columns))

    keys = sorted(rows, key=place)
    return {label: rows[key] for label, key in zip(_labels(keys, methods), keys, strict=True)}


def _labels(keys: Sequence[tuple[str, str, str]], methods: Sequence[str]) -> list[str]:
    """The labels of rows by (method, training set, hash of the config), all different."""
    told = methods if len(methods) > 1 and max(map(len, methods)) <= SHORT else differing_parts(methods)
    short = dict(zip(methods, told, strict=True))
    labels = [f'{trained_on} · {short[method]}'.removesuffix(' · ') for method, trained_on, _ in keys]
    # Another config under the same name is another training: its hash tells it apart.
    pairs = zip(labels, keys, strict=True)
    return [f'{label} · {key[2][:6]}' if labels.count(label) > 1 else label for label, key in pairs]


def differing_parts(names: Sequence[str]) -> list[str]:
    """The names without the ``_``-separated words that all begin or all end with; a single one is empty.

    ``unet_bce_20k`` and ``unet_ds_bce_20k`` become ``unet`` and ``unet_ds``: each keeps a word.
    """
    if len(names) < 2:
        return [''] * len(names)
    words = [name.split('_') for name in names]
    shortest = min(map(len, words)) - 1
    tail = min(_common(each[::-1] for each in words), shortest)
    head = min(_common(words), shortest - tail)
    return ['_'.join(each[head : len(each) - tail]) for each in words]


def _common(lists: Iterable[Sequence[str]]) -> int:
    """How many words all begin with."""
    return sum(1 for _ in takewhile(lambda at: len(set(at)) == 1, zip(*lists, strict=False)))


def _row(label: str, tested: Sequence[Judging], metric: str, columns: Sequence[str]) -> Row:
    on = {name: [each for each in tested if each.tested_on == name] for name in columns}
    return Row(label, tuple(_cell(on[name], metric) for name in columns))


def _cell(tested: Sequence[Judging], metric: str) -> Cell:
    values = (each.score(metric) for each in tested)
    defined = tuple(value for value in values if value is not None and math.isfinite(value))
    return Cell(defined, any(each.home for each in tested))


def _chosen(tested: Sequence[Judging], metrics: Sequence[str]) -> list[str]:
    """The names of the scores asked for, ``ODS`` as all of its protocols."""
    known = list(dict.fromkeys(name for each in tested for name in each.result['scores']))
    if not metrics:
        return [name for name in known if name == DEFAULT or name.startswith(CURVE)]
    chosen = []
    for name in metrics:
        found = [name] if name in known else [other for other in known if other.startswith(f'{name}@')]
        if not found:
            raise UsageError(f'--metrics {name}: no result has it; did you mean {near(name, known)}?')
        chosen += found
    return list(dict.fromkeys(chosen))
