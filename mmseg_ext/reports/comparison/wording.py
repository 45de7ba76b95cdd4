"""Scores, differences and rows in words, the same in a terminal, in Markdown and on a page."""

import math

from mmseg_ext.reports.comparison.cells import RESUMED, Cell, Change, Interval, Line, Unfinished

NONE = '–'


def number(value: float | None, digits: int = 2) -> str:
    """A score in percent, two digits behind the point; of one in 0..1 more."""
    return NONE if value is None or math.isnan(value) else f'{value:.{digits}f}'


def deviation(sd: float | None, digits: int = 2) -> str:
    """`` ± 1.2``: a digit less than its mean has; empty where there is none. A small one keeps that digit."""
    if sd is None:
        return ''
    return f' ± {sd:.{digits if sd < 0.95 / 10 ** (digits - 1) else digits - 1}f}'


def score(cell: Cell, digits: int = 2) -> str:
    """``53.84 ± 1.2``."""
    return number(cell.mean, digits) + deviation(cell.sd, digits)


def points(value: float, digits: int = 2) -> str:
    """A difference with its sign, which is a minus and no hyphen."""
    return f'{value:+.{digits}f}'.replace('-', '−')


def interval(ends: Interval | None) -> str:
    """``−0.31 … +2.70``."""
    return NONE if ends is None else f'{points(ends[0])} … {points(ends[1])}'


def seeds(line: Line) -> str:
    """How many seeds have a result, of how many if some have none, and whether one of their runs was resumed."""
    of = '' if len(line.runs) == line.planned else f'/{line.planned}'
    return f'{len(line.runs)}{of}{RESUMED * any(run.resumed for run in line.runs)}'


def compared(line: Line, change: Change) -> str:
    """``Fast-SCNN: peeling − Original``: which row is compared with which."""
    shared = f'{line.model}, '
    if line.model and change.against.startswith(shared):
        return f'{line.model}: {line.group} − {change.against.removeprefix(shared)}'
    return f'{line.label} − {change.against}'


def told(run: Unfinished) -> str:
    """A run without a result: which, its state, and why."""
    seed = '' if run.run.seed is None else f', seed {run.run.seed}'
    who = ', '.join(filter(None, (run.model, run.group)))
    state = 'failed: ' if run.state == 'failed' else ''
    return f'{who}{seed}: {state}{run.reason} ({run.run.folder})'
