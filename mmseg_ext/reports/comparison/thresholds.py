"""ODS, OIS and AP of the rows of a table: a small table for each protocol and tolerance, since none compares."""

from collections.abc import Sequence
from dataclasses import replace

from mmseg_ext.reports.comparison.cells import Cell, Line, ScoreTable
from mmseg_ext.score_names import spoken, tag_of

NAMES = ('ODS', 'OIS', 'AP', 'threshold')
LEGEND = (
    'ODS: F1 at the one threshold that is best for all test images; OIS: with the best one of each image; AP: '
    'mean precision over recall; all in 0..1.',
    'Their thresholds are chosen on the test images, IoU and Acc are those of the masks the run made. Nothing is '
    'marked, for the noise of the images is unknown here; other protocols and tolerances give other numbers.',
)


def tag_tables(table: ScoreTable) -> tuple[ScoreTable, ...]:
    """A table like this one for each tag of which any result has the ODS, with the columns NAMES.

    Its title is the tag in words. A row without such scores is undefined there; its runs are those that have them.
    """
    results = [run.result for line in table.lines for run in line.runs]
    names = dict.fromkeys(name for result in results for name in result['scores'] if name.startswith('ODS@'))
    return tuple(_table(table, tag_of(name)) for name in names)


def _table(table: ScoreTable, tag: str) -> ScoreTable:
    keys = tuple(f'{name}@{tag}' for name in NAMES)
    lines = tuple(_line(line, keys) for line in table.lines)
    about = dict(title=f'Over all thresholds: {spoken(tag)}', headings=NAMES, keys=keys, lines=lines)
    return replace(table, **about, legend=LEGEND, notes=(), unfinished=())


def _line(line: Line, keys: Sequence[str]) -> Line:
    runs = tuple(run for run in line.runs if keys[0] in run.result['scores'])
    cells = tuple(Cell.of(run.result['scores'].get(key) for run in runs) for key in keys)
    return replace(line, runs=runs, cells=cells, notes=())
