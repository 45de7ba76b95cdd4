"""Tables as Markdown, in the form that papers and READMEs have them."""

from collections.abc import Iterable, Iterator, Sequence

from mmseg_ext.reports.comparison import wording
from mmseg_ext.reports.comparison.cells import BEST, BETTER, SECOND, WORSE, Cell, ScoreTable
from mmseg_ext.reports.comparison.records import Project
from mmseg_ext.reports.comparison.small_tables import small_tables
from mmseg_ext.reports.comparison.tables import score_tables
from mmseg_ext.score_names import digits

STARS = {BETTER: '**', BEST: '**', WORSE: '*', SECOND: '*'}
SPECIAL = str.maketrans({sign: f'\\{sign}' for sign in '\\|*_<`['})
DIFFERENCE = ('Compared', 'Score', 'Difference', 'Test images', 'Trainings', 'Both', 'Verdict')


def markdown(project: Project) -> str:
    """The tables of a project as Markdown; the model's name only in its first row.

    Below each table: what the marks mean, what limits the comparison, every difference with its intervals, and the
    runs without a result.
    """
    tables = [table for comparison in project.comparisons for table in score_tables(comparison)]
    return '\n'.join(line for table in tables for line in _table(table))


def _table(table: ScoreTable) -> Iterator[str]:
    yield f'## {_escaped(table.title)}\n'
    yield from _scores(table, table.legend)
    if table.notes:
        yield ''
        yield from (f'* {_escaped(sentence)}' for sentence in table.notes)
    yield from _small_tables(table)
    differences = list(_differences(table))
    if differences:
        yield '\n<details><summary>Differences in points with their 95 % intervals</summary>\n'
        yield from _grid(DIFFERENCE, differences)
        yield '\n</details>'
    if table.unfinished:
        yield '\nRuns without a result:\n'
        yield from (f'* {_escaped(wording.told(run))}' for run in table.unfinished)
    yield ''


def _scores(table: ScoreTable, legend: Sequence[str]) -> Iterator[str]:
    yield from _grid((*table.comparison.columns, 'n', *table.headings), _rows(table))
    yield ''
    yield from (f'{_escaped(sentence)}  ' for sentence in legend)


def _small_tables(table: ScoreTable) -> Iterator[str]:
    """ODS, boundary F1, answers to prompts: a table a tag, and below the last one of each what they mean."""
    text_before = True
    for each in small_tables(table):
        yield from [''] * text_before
        yield f'### {_escaped(each.title)}\n'
        yield from _scores(each, each.legend)
        text_before = bool(each.legend)


def _rows(table: ScoreTable) -> Iterator[list[str]]:
    before = None
    for line in table.lines:
        model = f'**{_escaped(line.model)}**' if line.model and line.model != before else ''
        yield [model, _escaped(line.group), wording.seeds(line), *map(_cell, line.cells, map(digits, table.keys))]
        before = line.model


def _cell(cell: Cell, digits: int) -> str:
    """``**49.97** ± 1.2``, with ``≈`` behind what was not shown to differ from the best."""
    stars = STARS.get(cell.mark, '')
    mean = f'{stars}{wording.number(cell.mean, digits)}{stars}'
    return f'{mean}{wording.deviation(cell.sd, digits)}{" ≈" * cell.level}'


def _differences(table: ScoreTable) -> Iterator[list[str]]:
    for line in table.lines:
        for heading, cell in zip(table.headings, line.cells, strict=True):
            change = cell.change
            if change:
                ends = map(wording.interval, (change.images, change.trainings, change.both))
                label = _escaped(wording.compared(line, change))
                yield [label, _escaped(heading), wording.points(change.difference), *ends, change.verdict]


def _grid(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row([_escaped(heading) for heading in headings])
    yield _row(['---'] * len(headings))
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _escaped(text: str) -> str:
    """Text whose signs Markdown must not read as its own."""
    return text.translate(SPECIAL)
