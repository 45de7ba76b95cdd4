"""Tables as plain text for a terminal; ``markdown`` and ``write_csv`` stand beside it."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from mmseg_ext.errors import UsageError
from mmseg_ext.reports.comparison import wording
from mmseg_ext.reports.comparison.cells import BEST, BETTER, SECOND, WORSE, Cell, ScoreTable
from mmseg_ext.reports.comparison.grid import LONGEST_NAME, grid, plain, wrapped
from mmseg_ext.reports.comparison.markdown import markdown
from mmseg_ext.reports.comparison.notes import legend
from mmseg_ext.reports.comparison.records import Comparison, read_project
from mmseg_ext.reports.comparison.run_list import write_csv
from mmseg_ext.reports.comparison.small_tables import small_tables
from mmseg_ext.reports.comparison.tables import score_tables
from mmseg_ext.score_names import digits

__all__ = ['markdown', 'project_text', 'write_csv']

NARROWEST, WIDEST = 80, 120
WIDE = 110  # where a third interval fits
SIGNS = {BETTER: '▲', WORSE: '▼', BEST: '★', SECOND: '☆'}
EXPLAINED = ('mIoU_fg', 'mAcc_fg')  # scores whose differences are listed; Markdown and page list all


def project_text(folder: str | Path, name: str | None = None, width: int | None = None) -> str:
    """The tables of a project, or of the plan ``name`` alone, for a terminal of ``width`` columns.

    Without ``width`` it is that of the terminal, within 80 to 120. UsageError for a name that no plan has.
    """
    width = width or min(max(shutil.get_terminal_size((100, 0)).columns, NARROWEST), WIDEST)
    chosen = choose(read_project(folder).comparisons, name, folder)
    tables = [table for comparison in chosen for table in score_tables(comparison)]
    return '\n\n'.join('\n'.join(_lines(table, width)) for table in tables)


def choose(comparisons: Sequence[Comparison], name: str | None, folder: str | Path) -> list[Comparison]:
    """All comparisons, or the one of that name; UsageError that says which there are."""
    chosen = [comparison for comparison in comparisons if name in (None, comparison.name)]
    if not chosen:
        there = ', '.join(comparison.name for comparison in comparisons)
        raise UsageError(f'{folder}: no comparison "{name}" there; there is {there}')
    return chosen


def _lines(table: ScoreTable, width: int) -> Iterator[str]:
    yield f'{table.title}\n'
    yield from (f'{block}\n' for block in score_blocks(table, width))
    yield from _small_tables(table, width)
    differences = _differences(table, width)
    if differences.row_count:
        yield 'Differences in points, and the 95 % intervals that test images and trainings leave\n'
        yield f'{plain(differences, width)}\n'
    signs = ('▲', '▼') if table.comparison.marks == 'change' else ('★', '☆')
    explained = legend(table.lines, table.comparison.marks, signs) if table.keys else ()
    yield from (wrapped(sentence, width) for sentence in (*explained, *table.notes))
    if table.unfinished:
        yield 'Runs without a result:'
        yield from (wrapped(f'- {wording.told(run)}', width) for run in table.unfinished)


def _small_tables(table: ScoreTable, width: int) -> Iterator[str]:
    """ODS, boundary F1, answers to prompts: a table a tag, and below the last one of each what they mean."""
    for each in small_tables(table):
        yield f'{each.title}\n'
        yield from (f'{block}\n' for block in score_blocks(each, width))
        if each.legend:
            yield '\n'.join(wrapped(sentence, width) for sentence in each.legend) + '\n'


def score_blocks(table: ScoreTable, width: int) -> Iterator[str]:
    """The scores, in as few grids below each other as the width allows; ▲▼ and ★☆ stand for bold and italic."""
    for columns in _blocks(table, width):
        block = grid(table.comparison.columns, ['n', *(_heading(table.headings[column]) for column in columns)])
        before = None
        for line in table.lines:
            model = '' if line.model == before else line.model
            cells = (_cell(line.cells[column], table.keys[column]) for column in columns)
            block.add_row(model, line.group, wording.seeds(line), *cells)
            before = line.model
        yield plain(block, width)


def _blocks(table: ScoreTable, width: int) -> list[np.ndarray]:
    """The score columns of each grid, of about equal number."""
    columns = [
        [*_heading(heading).split('\n'), *(_cell(line.cells[index], key) for line in table.lines)]
        for index, (heading, key) in enumerate(zip(table.headings, table.keys, strict=True))
    ]
    widths = np.array([2 + max(map(len, column)) for column in columns])
    room = width - sum(2 + max(map(len, names)) for names in _names(table))
    for count in range(1, len(widths)):
        blocks = np.array_split(np.arange(len(widths)), count)
        if all(widths[block].sum() <= room for block in blocks):
            return blocks
    return np.array_split(np.arange(len(widths)), max(len(widths), 1))


def _names(table: ScoreTable) -> list[list[str]]:
    """What stands in the columns before the scores: model, group, seeds; of long names the first line."""
    columns = zip(*([line.model, line.group, wording.seeds(line)] for line in table.lines), strict=True)
    pairs = zip((*table.comparison.columns, 'n'), columns, strict=True)
    return [[heading, *(name[:LONGEST_NAME] for name in names)] for heading, names in pairs]


def _heading(heading: str) -> str:
    """The metric below the class."""
    return '\n'.join(filter(None, heading.rpartition(' ')[::2]))


def _cell(cell: Cell, key: str) -> str:
    return wording.score(cell, digits(key)) + SIGNS.get(cell.mark, '') + '≈' * cell.level


def _differences(table: ScoreTable, width: int) -> Table:
    """A row for each mean that is compared with another row."""
    wide = width >= WIDE
    intervals = ['Test images', 'Trainings', 'Together'] if wide else ['Test images', 'Trainings']
    rows = grid(['Compared'], ['Score', 'Difference', *intervals], ['Verdict'])
    rows.columns[0].max_width = None
    for line in table.lines:
        for key, heading, cell in zip(table.keys, table.headings, line.cells, strict=True):
            change = cell.change
            if key in EXPLAINED and change:
                ends = [change.images, change.trainings, change.both][: len(intervals)]
                numbers = heading, wording.points(change.difference), *map(wording.interval, ends)
                rows.add_row(wording.compared(line, change), *numbers, change.verdict)
    return rows
