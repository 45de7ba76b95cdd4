"""The closed loop in words: a table for each plan, and the sentence that a sceptic would want."""

from collections.abc import Iterator, Mapping, Sequence

from closed_loop_data import TEST, TRAIN
from markdown_table import markdown_table

from mmseg_ext.reports.comparison import wording
from mmseg_ext.reports.comparison.cells import GAIN, LOSS, Cell, Line, ScoreTable
from mmseg_ext.reports.comparison.records import Project
from mmseg_ext.reports.comparison.selection import Choice, Selection, select
from mmseg_ext.reports.comparison.tables import score_tables

MEAN = 'mIoU_fg'  # the score that verdicts speak of
BY_CHANCE = 0.05  # of the verdicts, where nothing differs
NOT_SHOWN = (
    'Not shown: real photographs, long trainings, pretrained networks. The edits are of one seed and the training '
    'photographs one draw, which no interval here contains. The editor was trained on thousands of windows of the '
    'same renderer: what its edits add is not had from twenty photographs alone. Rows differ in the number of '
    'their training images, not in that of iterations and crops; a photograph without a defect has no edit, and '
    'is drawn less often beside edits.'
)


def report(project: Project, plans: Sequence[str], edits: Mapping[str, int]) -> str:
    """All tables, what the selection chose, and the sentence, as Markdown.

    ``plans`` are names of comparisons, that of the words first; ``edits`` says how many edits towards a word there
    are. A plan without a result of its first row has a table and no verdict.
    """
    by_name = {comparison.name: comparison for comparison in project.comparisons}
    there = [by_name[name] for name in plans if name in by_name]
    tables = [score_tables(comparison)[0] for comparison in there]
    parts = [f'### {table.title}\n\n{markdown(table)}' for table in tables]
    if judged(tables[0]):
        parts += [f'* {sentence}' for selection in select(there[0]) for sentence in chosen(selection)]
        parts += sceptic(tables, edits)
    return '\n\n'.join([*parts, NOT_SHOWN])


def markdown(table: ScoreTable) -> str:
    """Mean ± deviation over the seeds, and how ``MEAN`` differs from the first row of the model."""
    heads = (*table.comparison.columns, 'n', *table.headings, 'mIoU: difference [95 %]', 'verdict')
    rows = [
        (line.model, line.group, wording.seeds(line), *map(wording.score, line.cells), *difference(table, line))
        for line in table.lines
    ]
    return markdown_table(heads, rows)


def difference(table: ScoreTable, line: Line) -> tuple[str, str]:
    """The difference with the interval of test images and trainings together, and the verdict; dashes without.

    With one seed, the interval is that of the test images alone.
    """
    change = mean_of(table, line).change if line.scored else None
    if change is None:
        return wording.NONE, wording.NONE
    interval = wording.interval(change.both or change.images)
    return f'{wording.points(change.difference)} [{interval}]', change.verdict


def mean_of(table: ScoreTable, line: Line) -> Cell:
    """The cell of ``MEAN``."""
    return line.cells[table.keys.index(MEAN)]


def judged(table: ScoreTable) -> list[Line]:
    """The rows that are compared with the first one."""
    return [line for line in table.lines if line.scored and mean_of(table, line).change]


def chosen(selection: Selection) -> Iterator[str]:
    """What both rules of tools/select_augmentation.py choose."""
    yield f'The rule as stated chooses {_told(selection.strict)}.'
    if selection.aware:
        yield f'The rule that knows the noise chooses {_told(selection.aware)}.'


def _told(choice: Choice) -> str:
    dropped = ', '.join(line.group for line in choice.dropped) or 'none'
    return f'{" and ".join(choice.chosen) or "no word"} (dropped: {dropped})'


def sceptic(tables: Sequence[ScoreTable], edits: Mapping[str, int]) -> Iterator[str]:
    """What the verdicts rest on, how many words differ by more than noise, and how the other rows compare."""
    words, *others = tables
    lines = judged(words)
    verdicts = [mean_of(words, line).change.verdict for line in lines]
    counts = ', '.join(f'{word} {count}' for word, count in edits.items())
    seeds = sorted({len(line.runs) for table in tables for line in table.lines if line.runs})
    yield (
        f'{TRAIN} training and {TEST} test photographs, {" to ".join(map(str, seeds))} seeds a row. Edits that '
        f'passed the gates: {counts}. Of {len(lines)} words '
        f'{verdicts.count(GAIN)} gain and {verdicts.count(LOSS)} lose more than noise in the mean IoU of the '
        f'defects, where up to about {BY_CHANCE * len(lines):.1f} would by chance if nothing differed; noise is a '
        'paired bootstrap over test images and a Welch interval over seeds together.'
    )
    told = [f'{line.label} {" ".join(difference(table, line))}' for table in others for line in judged(table)]
    yield f'Beside them: {"; ".join(told) or "nothing finished"}.'
