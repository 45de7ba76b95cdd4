"""What a table says, in a sentence or two: what is best, by how much, and whether that is more than noise."""

from collections.abc import Sequence

from mmseg_ext.reports.comparison.cells import GAIN, LOSS, Cell, Change, Line, ScoreTable
from mmseg_ext.reports.comparison.marks import DIGITS
from mmseg_ext.reports.comparison.wording import points
from mmseg_ext.reports.page.scores import cell_of, scored

KEY = 'mIoU_fg'


def finding(table: ScoreTable) -> str:
    """The best line by the mean IoU of the defects, its lead, and which differences are more than noise."""
    lines = sorted(scored(table), key=lambda line: -cell_of(table, line, KEY).mean)
    if not lines:
        return 'No score for the defects: no run is finished, or there is none in the test set.'
    best = cell_of(table, lines[0], KEY)
    if len(lines) == 1:
        score = f'mIoU of the defects {number(best)} % ({_seeds(best)})'
        return f'{lines[0].label}: {score}, with nothing to compare it with.'
    if round(best.mean, DIGITS) == round(cell_of(table, lines[-1], KEY).mean, DIGITS):
        return f'All {len(lines)} rows have the same mIoU of the defects, {best.mean:.1f} %.'
    said = f'{lines[0].label} has the highest mIoU of the defects: {number(best)} % ({_seeds(best)}).'
    return ' '.join(filter(None, [said, _change(best), _next(table, lines), _counts(table)]))


def number(cell: Cell, digits: int = 1) -> str:
    """``46.9 ± 1.2``, without a deviation for one seed."""
    return f'{cell.mean:.{digits}f}' + ('' if cell.sd is None else f' ± {cell.sd:.{digits}f}')


def interval(values: tuple[float, float] | None, digits: int = 1) -> str:
    """``+0.2 to +1.3``, or that it is not known."""
    return 'not known' if values is None else ' to '.join(points(value, digits) for value in values)


def _seeds(cell: Cell) -> str:
    count = len(cell.values)
    return 'one seed' if count == 1 else f'mean ± sd of {count} seeds'


def _change(best: Cell) -> str:
    """The best line against its baseline."""
    if best.change is None:
        return ''
    return f'Against {best.change.against} that is {_difference(best.change)}.'


def _difference(change: Change) -> str:
    """``+8.0 points (95 % interval +5.1 to +11.0), beyond the noise``"""
    span = change.both or change.images
    known = f' (95 % interval {interval(span)})' if span else ''
    verdict = 'beyond the noise' if change.verdict in (GAIN, LOSS) else change.verdict
    return f'{points(change.difference, 1)} points{known}, {verdict}'


def _next(table: ScoreTable, lines: Sequence[Line]) -> str:
    """Which line follows, and how far behind."""
    best, second = (cell_of(table, line, KEY) for line in lines[:2])
    if second.change is not None and second.change.against == lines[0].label:
        return f'{lines[1].label} follows: {_difference(second.change)}.'
    behind = best.mean - second.mean
    return f'{lines[1].label} follows {f"{behind:.1f}" if behind >= 0.05 else "less than 0.1"} points behind.'


def _counts(table: ScoreTable) -> str:
    """How many lines are better or worse than those they are compared with, and of how many that is not known."""
    changes = [cell_of(table, line, KEY).change for line in table.lines]
    verdicts = [change.verdict for change in changes if change is not None]
    if len(verdicts) < 2:
        return ''
    gains, losses = (verdicts.count(each) for each in (GAIN, LOSS))
    parts = {'better': gains, 'worse': losses, 'not shown to differ': len(verdicts) - gains - losses}
    to = 'their baseline' if table.comparison.marks == 'change' else 'the best'
    counted = ', '.join(f'{count} {what}' for what, count in parts.items() if count)
    return f'Of {len(verdicts)} rows compared with {to}: {counted}.'
