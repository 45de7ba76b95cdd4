"""From a comparison to its tables: in the columns of a paper, with the noise of every score and difference."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from mmseg_ext.reports.comparison.cells import Cell, Change, Line, ScoreTable, Unfinished
from mmseg_ext.reports.comparison.marks import mark
from mmseg_ext.reports.comparison.noise import Noise
from mmseg_ext.reports.comparison.notes import legend, line_notes, table_notes
from mmseg_ext.reports.comparison.records import Comparison, Row, RunRecord

__all__ = ['Cell', 'Change', 'Line', 'ScoreTable', 'Unfinished', 'score_tables', 'unfinished']

Kind = tuple[tuple[str, ...], str | None]  # classes and hash of the test data: what makes scores comparable


def score_tables(comparison: Comparison) -> tuple[ScoreTable, ...]:
    """One table for each test data and class list among the results; one without scores when there is none."""
    runs = chain.from_iterable(row.finished for row in comparison.rows)
    kinds = list(dict.fromkeys(map(_kind, runs))) or [((), None)]
    return tuple(_table(comparison, kinds, index) for index in range(len(kinds)))


def unfinished(comparison: Comparison) -> tuple[Unfinished, ...]:
    """The runs without a result, with the reason."""
    return tuple(
        Unfinished(row.model, row.group, run, run.state, _reason(run))
        for row in comparison.rows
        for run in row.runs
        if run.result is None
    )


def _reason(run: RunRecord) -> str:
    if run.failure is not None:
        return run.failure.get('reason') or 'failed without saying why'
    return 'begun, without a test result so far' if run.state == 'begun' else 'not begun'


def _kind(run: RunRecord) -> Kind:
    return tuple(run.result['classes']), run.result.get('split_hash')


def _table(comparison: Comparison, kinds: Sequence[Kind], index: int) -> ScoreTable:
    """The table of one kind of test data; the first one also has the rows that have no result."""
    (classes, _), defects = kinds[index], kinds[index][0][1:]
    rows = [(row, _of_kind(row, kinds[index])) for row in comparison.rows]
    rows = [(row, runs) for row, runs in rows if runs or (index == 0 and not row.finished)]
    keys = tuple(f'{name}.{label}' for label in defects for name in ('IoU', 'Acc'))
    keys = (*keys, 'mIoU_fg', 'mAcc_fg') if classes else ()
    noise = Noise()
    resampled = [noise.resample(runs) if runs else 'no result' for _, runs in rows]
    lines = mark([_line(row, runs, keys) for row, runs in rows], resampled, comparison)
    table = ScoreTable(
        comparison=comparison,
        title=_title(comparison, kinds, index),
        headings=(*(_heading(key) for key in keys[:-2]), 'mIoU', 'mAcc') if keys else (),
        keys=keys,
        lines=tuple(lines),
        legend=legend(lines, comparison.marks) if keys else (),
        notes=(),
        unfinished=unfinished(comparison) if index == 0 else (),
    )
    return replace(table, notes=tuple(table_notes(table, resampled, len(kinds))))


def _of_kind(row: Row, kind: Kind) -> tuple[RunRecord, ...]:
    return tuple(run for run in row.finished if _kind(run) == kind)


def _title(comparison: Comparison, kinds: Sequence[Kind], index: int) -> str:
    """The title of the plan, and which test data, where there are several."""
    if len(kinds) == 1:
        return comparison.title
    classes, data = kinds[index]
    return f'{comparison.title} (test data {data}: {", ".join(classes[1:])})'


def _heading(key: str) -> str:
    """``IoU.attached`` as in the papers: Attached IoU."""
    name, _, label = key.partition('.')
    return f'{label[:1].upper()}{label[1:]} {name}'


def _line(row: Row, runs: tuple[RunRecord, ...], keys: Sequence[str]) -> Line:
    cells = tuple(Cell.of(run.result['scores'].get(key) for run in runs) for key in keys)
    return Line(row.model, row.group, runs, len(row.runs), cells, tuple(line_notes(row, runs)))
