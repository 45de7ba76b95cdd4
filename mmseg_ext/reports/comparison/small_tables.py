"""Small tables below that of IoU and Acc, a family each: scores over thresholds, of contours, of prompts.

Of a score with a tag (``ODS@bsds-2px``) each protocol and tolerance has a table of its own, since none compares.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmseg_ext.reports.comparison.cells import Cell, Line, ScoreTable
from mmseg_ext.score_names import PROMPTED, spoken

UNMARKED = 'Nothing is marked, for the noise of the images is unknown here; {}'


@dataclass(frozen=True)
class Family:
    """Scores that stand together: their ``names`` without a tag, of which each result with any has the first.

    ``title`` takes the tag in words, ``legend`` is what the scores mean.
    """

    names: tuple[str, ...]
    title: str
    legend: tuple[str, ...]


OVER_THRESHOLDS = Family(
    ('ODS', 'OIS', 'AP', 'threshold'),
    'Over all thresholds: {}',
    (
        'ODS: F1 at the one threshold that is best for all test images; OIS: with the best one of each image; AP: '
        'mean precision over recall; all in 0..1.',
        'Their thresholds are chosen on the test images, IoU and Acc are those of the masks the run made. '
        + UNMARKED.format('other protocols and tolerances give other numbers.'),
    ),
)
CONTOURS = Family(
    ('mBF', 'mBF_fg'),
    'Contours: boundary F1 within {}, %',
    (
        'mBF: F1 of predicted against true contours, mean over the classes; mBF fg: without the background. '
        + UNMARKED.format('other tolerances give other numbers.'),
    ),
)
PROMPTS = Family(
    PROMPTED,
    'Answers to prompts, %',
    (
        'Catch rate: answers that meet what the prompt shows; yield rate: empty ones where the image has none of '
        'it, and overkill rate the others; PES: mean of catch and yield rate, 50 if every defect is marked.',
        'mIoU pos: with what was asked for; mIoU neg: with defects that nobody asked for; prompt sensitivity: how '
        'far apart the two answers to one image are. Less is better of overkill rate and mIoU neg. '
        + UNMARKED.format('images of another size and other thresholds give other numbers.'),
    ),
)
FAMILIES = (OVER_THRESHOLDS, CONTOURS, PROMPTS)


def small_tables(table: ScoreTable, families: Sequence[Family] = FAMILIES) -> tuple[ScoreTable, ...]:
    """A table like this one for each family and tag of which any result has scores; the last of each is explained.

    A row without such scores is undefined there; its runs are those that have them.
    """
    return tuple(each for family in families for each in _of_family(table, family))


def _of_family(table: ScoreTable, family: Family) -> list[ScoreTable]:
    names = dict.fromkeys(name for line in table.lines for run in line.runs for name in run.result['scores'])
    tags = [name.partition('@')[1:] for name in names if name.partition('@')[0] == family.names[0]]
    legends = [()] * (len(tags) - 1) + [family.legend]
    return [_table(table, family, *tag, legend) for tag, legend in zip(tags, legends, strict=False)]


def _table(table: ScoreTable, family: Family, at: str, tag: str, legend: tuple[str, ...]) -> ScoreTable:
    keys = tuple(f'{name}{at}{tag}' for name in family.names)
    lines = tuple(_line(line, keys) for line in table.lines)
    headings = tuple(name.replace('_', ' ') for name in family.names)
    about = dict(title=family.title.format(spoken(tag)), headings=headings, keys=keys, lines=lines)
    return replace(table, **about, legend=legend, notes=(), unfinished=())


def _line(line: Line, keys: Sequence[str]) -> Line:
    runs = tuple(run for run in line.runs if keys[0] in run.result['scores'])
    cells = tuple(Cell.of(run.result['scores'].get(key) for run in runs) for key in keys)
    return replace(line, runs=runs, cells=cells, notes=())
