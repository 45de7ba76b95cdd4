"""A matrix of data sets in words: Markdown for a text, one long table for a program."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmseg_ext.evaluation.table import COLUMNS, MEANS
from mmseg_ext.files import replacing
from mmseg_ext.reports.comparison.markdown import SPECIAL
from mmseg_ext.reports.comparison.wording import NONE, deviation, number
from mmseg_ext.reports.matrix import DEFAULT, Cell, Judging, Matrix, rows_of
from mmseg_ext.score_names import digits, is_boundary, is_of_class, spoken, tag_of

CORNER = 'trained on ↓, tested on →'
FIELDS = ('run', 'recipe', 'seed', 'trained_on', 'tested_on', 'metric', 'value', 'threshold', 'images')
LISTED = 4  # rows whose thresholds are told one by one
BEST_THRESHOLD = ('ODS', 'precision', 'recall')  # these are reached at ``threshold@<tag>``


def top(metric: str) -> float | None:
    """The highest value that a score can have: 100 of a percentage, 1 of a protocol's; None of any other."""
    if is_boundary(metric):
        return 100.0
    if tag_of(metric):
        return 1.0
    name = metric.partition('.')[0] if is_of_class(metric) else metric
    return 100.0 if name in {*COLUMNS, *MEANS} - {'FalseAlarms'} else None


def heading(metric: str) -> str:
    """``IoU of the defects (mIoU_fg, %)``, ``ODS (deepcrack_tip, 2 px)``, ``FalseAlarms``."""
    tag, percent = tag_of(metric), top(metric) == 100
    if tag:
        return f'{metric.partition("@")[0]} ({spoken(tag)})'
    if metric == DEFAULT:
        return f'IoU of the defects ({metric}, %)'
    return f'{metric} (%)' if percent else metric


def value_text(metric: str, value: float | None) -> str:
    """``52.10`` of a percentage, ``0.8310`` of a score with a tag, – of nothing."""
    return number(value, digits(metric))


def deviation_text(metric: str, sd: float | None) -> str:
    """`` ± 1.2``, `` ± 0.012``; empty of one seed."""
    return deviation(sd, digits(metric))


def cell_text(metric: str, cell: Cell) -> str:
    """``52.10 ± 1.2``."""
    return value_text(metric, cell.mean) + deviation_text(metric, cell.sd)


def drop_text(matrix: Matrix) -> str:
    """How far the score falls when the set is another than the one of the training, in a sentence."""
    if matrix.home_and_away is None:
        return 'No row has both its own set and another one: nothing to compare.'
    home, away = matrix.home_and_away
    said = [value_text(matrix.metric, value) for value in (home, away, abs(home - away))]
    way = 'drop' if home >= away else 'rise'
    return f'On its own set {said[0]}, on the others {said[1]}: a {way} of {said[2]} on average.'


def markdown(matrices: Sequence[Matrix], notes: Sequence[str]) -> str:
    """A section for each matrix, the own set in bold, then the notes."""
    return '\n'.join([line for matrix in matrices for line in _section(matrix)] + [f'* {note}' for note in notes])


def _section(matrix: Matrix) -> Iterator[str]:
    yield f'## {_escaped(heading(matrix.metric))}\n'
    yield _line([CORNER, *map(_escaped, matrix.columns)])
    yield _line(['---', *['---:'] * len(matrix.columns)])
    for row in matrix.rows:
        yield _line([_escaped(row.label), *(_marked(matrix.metric, cell) for cell in row.cells)])
    yield f'\n{drop_text(matrix)}\n'


def _marked(metric: str, cell: Cell) -> str:
    text = cell_text(metric, cell)
    return f'**{text}**' if cell.home and text != NONE else text


def _line(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _escaped(text: str) -> str:
    return text.translate(SPECIAL)


def notes_of(tested: Sequence[Judging], matrices: Sequence[Matrix]) -> list[str]:
    """What one has to know to read the numbers: seeds, and who has decided what is a defect."""
    rows = rows_of(tested)
    counts = sorted({len({each.run for each in row}) for row in rows.values()})
    seeds = ' or '.join(map(str, counts)) + (' seed' if counts == [1] else ' seeds')
    notes = [f'Bold: the set that the network was trained on. A cell is the mean ± standard deviation of {seeds}.']
    if any(tag_of(matrix.metric) is None for matrix in matrices):
        notes.append(_deciding(rows))
    if any(matrix.metric.startswith('ODS') for matrix in matrices):
        notes.append('ODS takes the threshold that is best on the tested set itself; in use nobody knows it.')
    return notes


def _deciding(rows: dict[str, list[Judging]]) -> str:
    found = {label: dict.fromkeys(map(threshold_used, row)) for label, row in rows.items()}
    used = {label: [f'{each:.3g}' for each in row if each is not None] for label, row in found.items()}
    values = sorted({value for row in used.values() for value in row}, key=float)
    if not values:
        return 'Masks, and so IoU: every pixel is of its most likely class.'
    said = ', '.join(f'{label} {" / ".join(row)}' for label, row in used.items() if row)
    if len(rows) > LISTED:
        said = f'{values[0]} to {values[-1]}, each in the column threshold of cross_eval.csv'
    return f'Masks, and so IoU, are decided by the threshold that a run brings along from its training: {said}.'


def threshold_used(tested: Judging) -> float | None:
    """The threshold that decided the masks; None where the most likely class did."""
    return (tested.result.get('threshold') or {}).get('used')


def write_csv(tested: Sequence[Judging], path: str | Path) -> Path:
    """One line for each run, set and score, all scores that were measured; what is not defined stays empty."""
    with replacing(path) as partial, partial.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(line for each in tested for line in _lines(each))
    return Path(path)


def _lines(tested: Judging) -> Iterator[dict[str, Any]]:
    known = dict(
        run=str(tested.run),
        recipe=tested.recipe,
        seed=tested.result['seed'],
        trained_on=tested.trained_on,
        tested_on=tested.tested_on,
        images=tested.result['images'],
    )
    for metric in tested.result['scores']:
        yield known | dict(metric=metric, value=tested.score(metric), threshold=_threshold_of(tested, metric))


def _threshold_of(tested: Judging, metric: str) -> float | None:
    """The threshold that a score was reached at: that of the masks, or the best one of its protocol."""
    tag, name = tag_of(metric), metric.partition('@')[0]
    if tag is None:
        return threshold_used(tested)
    return tested.score(f'threshold@{tag}') if name in BEST_THRESHOLD else None
