"""Which word to edit defects with, in the three steps of the source, and what noise does to each of them.

1. Drop every word that lowers any score against the baseline, by the means alone. A second, noise-aware rule drops
   only what lowers one by more than the noise.
2. Among the words that are left, mark best and second best of every score.
3. Take the word with most best marks; of equals the one with most second best ones.
"""

from dataclasses import dataclass, replace

import numpy as np

from mmseg_ext.errors import UsageError
from mmseg_ext.reports.comparison.cells import BEST, GAIN, INSIDE, LOSS, SECOND, Line, ScoreTable
from mmseg_ext.reports.comparison.records import Comparison
from mmseg_ext.reports.comparison.tables import score_tables


@dataclass(frozen=True)
class Choice:
    """The outcome of one rule: words it drops and keeps, and those it chooses, several when they tie.

    ``marked`` is the table of the kept ones with best and second best, ``tally`` how many of each a word has.
    """

    dropped: tuple[Line, ...]
    kept: tuple[Line, ...]
    marked: ScoreTable | None
    tally: dict[str, tuple[int, int]]
    chosen: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """One model's choice by both rules; ``aware`` is None where no difference could be told from noise.

    ``words`` carry their changes against ``baseline``; ``missing`` have no result that could be compared.
    """

    model: str
    headings: tuple[str, ...]
    baseline: Line
    words: tuple[Line, ...]
    missing: tuple[str, ...]
    tolerance: float
    strict: Choice
    aware: Choice | None


def select(comparison: Comparison, tolerance: float = 0.0) -> tuple[Selection, ...]:
    """A selection for each model, the first group being the baseline.

    ``tolerance`` are points by which the strict rule lets a score fall. UsageError without a baseline or a word.
    """
    models = dict.fromkeys(row.model for row in comparison.rows)
    return tuple(_select(comparison, model, tolerance) for model in models)


def _select(comparison: Comparison, model: str, tolerance: float) -> Selection:
    rows = tuple(row for row in comparison.rows if row.model == model)
    name, own = rows[0].group, replace(comparison, rows=rows, marks='change')
    table, baseline = _with_baseline(own, name)
    words = tuple(line for line in table.lines if line.scored and line is not baseline)
    if not words:
        raise UsageError(f'{comparison.title}: {model or "the table"} has no result of a word beside {name}')
    missing = [row.group for row in rows if row.group not in {name, *(word.group for word in words)}]
    lower = [word for word in words if lowers(word, baseline, tolerance)]
    lost = [word for word in words if any(cell.change and cell.change.verdict == LOSS for cell in word.cells)]
    return Selection(
        model=model,
        headings=table.headings,
        baseline=baseline,
        words=words,
        missing=tuple(missing),
        tolerance=tolerance,
        strict=_choice(own, words, lower),
        aware=_choice(own, words, lost) if _judged(words) else None,
    )


def _with_baseline(comparison: Comparison, name: str) -> tuple[ScoreTable, Line]:
    """The table in which the baseline has a result; words on other test data are in others."""
    for table in score_tables(comparison):
        for line in table.lines:
            if line.group == name and line.scored:
                return table, line
    raise UsageError(
        f'{comparison.title}: {name}, which all words are compared with, has no result; finish it first'
    )


def lowers(word: Line, baseline: Line, tolerance: float = 0.0) -> list[int]:
    """The scores, by position, in which a word is below the baseline or has none where that has one."""
    pairs = [(cell.mean, base.mean) for cell, base in zip(word.cells, baseline.cells, strict=True)]
    return [
        index for index, (mean, base) in enumerate(pairs) if not np.isnan(base) and not mean >= base - tolerance
    ]


def _judged(words: tuple[Line, ...]) -> bool:
    verdicts = {cell.change.verdict for word in words for cell in word.cells if cell.change}
    return bool(verdicts & {GAIN, LOSS, INSIDE})


def _choice(comparison: Comparison, words: tuple[Line, ...], dropped: list[Line]) -> Choice:
    """Steps two and three among the words that are not dropped."""
    kept = tuple(word for word in words if word not in dropped)
    if not kept:
        return Choice(tuple(dropped), (), None, {}, ())
    names = {word.group for word in kept}
    rows = tuple(row for row in comparison.rows if row.group in names)
    runs = {run.folder for word in kept for run in word.runs}
    tables = score_tables(replace(comparison, rows=rows, marks='best'))
    marked = next(
        table for table in tables if any(run.folder in runs for line in table.lines for run in line.runs)
    )
    tally = {line.group: _count(line) for line in marked.lines if line.scored}
    top = max(tally.values())
    return Choice(tuple(dropped), kept, marked, tally, tuple(word for word in tally if tally[word] == top))


def _count(line: Line) -> tuple[int, int]:
    marks = [cell.mark for cell in line.cells]
    return marks.count(BEST), marks.count(SECOND)
