"""A choice of a word told step by step, with the numbers behind every word that is dropped."""

from collections.abc import Iterator

from rich.table import Table

from mmseg_ext.reports.comparison import wording
from mmseg_ext.reports.comparison.cells import GAIN, INSIDE, LOSS, Cell, Line
from mmseg_ext.reports.comparison.grid import grid, plain, wrapped
from mmseg_ext.reports.comparison.selection import Choice, Selection, lowers
from mmseg_ext.reports.comparison.text import score_blocks

UNKNOWN = (
    'cannot be applied, for the uncertainty of these numbers is unknown. It takes two seeds of every row and the '
    'pixel counts of every test image; without them nobody can say which difference another training would turn.'
)


def selection_text(selection: Selection, width: int = 100) -> str:
    """All three steps of the strict rule, then what the noise-aware rule makes of the same results."""
    return '\n'.join(_lines(selection, width))


def _lines(selection: Selection, width: int) -> Iterator[str]:
    base, strict = selection.baseline, selection.strict
    slack = f' by more than {selection.tolerance:g} points' * (selection.tolerance > 0)
    model = f'{selection.model}: ' * bool(selection.model)
    yield wrapped(f'{model}Step 1: drop every word that lowers any score of {base.group}{slack}.', width)
    for word in strict.dropped:
        yield f'\n{wrapped(_reason(word, selection), width)}\n\n{plain(_why(word, selection), width)}'
    yield ''
    yield from (f'not judged: {name}, without a result on this test data' for name in selection.missing)
    yield f'kept: {_names(strict.kept)}'
    yield from _steps(strict, width)
    yield f'\n{_aware(selection, width)}'


def _reason(word: Line, selection: Selection) -> str:
    lowered = [selection.headings[index] for index in lowers(word, selection.baseline, selection.tolerance)]
    return f'dropped: {word.group}, for it lowers {", ".join(lowered)}'


def _why(word: Line, selection: Selection) -> Table:
    """Every score of a dropped word beside that of the baseline."""
    rows = grid(['Score'], [selection.baseline.group, word.group, 'Difference', '95 % interval'], ['', 'Noise'])
    lowered = lowers(word, selection.baseline, selection.tolerance)
    pairs = zip(selection.headings, selection.baseline.cells, word.cells, strict=True)
    for index, (heading, base, cell) in enumerate(pairs):
        change = cell.change
        difference = wording.points(change.difference) if change else wording.NONE
        known = change and (change.both or change.images or change.trainings)
        numbers = wording.score(base), wording.score(cell), difference, wording.interval(known)
        rows.add_row(heading, *numbers, 'lowered' * (index in lowered), _noise(cell))
    return rows


def _noise(cell: Cell) -> str:
    """Where a difference lies; with an interval of one of the two noises alone, which it is."""
    change = cell.change
    if change is None:
        return 'no score'
    if change.verdict in (GAIN, LOSS, INSIDE):
        return INSIDE if change.verdict == INSIDE else 'outside the noise'
    if change.images or change.trainings:
        return f'unknown, the interval is that of the {"test images" if change.images else "trainings"} alone'
    return 'unknown'


def _steps(choice: Choice, width: int) -> Iterator[str]:
    """Steps two and three."""
    if choice.marked is None:
        yield '\nSteps 2 and 3: no word is left, the rule chooses none.'
        return
    if len(choice.kept) > 1:
        yield '\nStep 2: best ★ and second best ☆ of every score (≈: inside the noise of the best).\n'
        yield from (f'{block}\n' for block in score_blocks(choice.marked, width))
        yield wrapped(f'Step 3: {_tally(choice)}.', width)
    yield wrapped(f'chosen: {_chosen(choice)}', width)


def _tally(choice: Choice) -> str:
    return ', '.join(
        f'{word} {best} best and {second} second best' for word, (best, second) in choice.tally.items()
    )


def _chosen(choice: Choice) -> str:
    if len(choice.chosen) > 1:
        return f'none; {" and ".join(choice.chosen)} tie, and the rule does not decide between them'
    return choice.chosen[0] if choice.chosen else 'none'


def _aware(selection: Selection, width: int) -> str:
    """What dropping only for more than noise would do."""
    choice = selection.aware
    if choice is None:
        return wrapped(f'Noise-aware rule: {UNKNOWN}', width)
    tally = f' ({_tally(choice)})' if len(choice.kept) > 1 else ''
    proof = f' ({_proof(selection, choice)})' if choice.chosen else ''
    sentence = (
        'Noise-aware rule, which drops only what lowers a score by more than the noise: drops '
        f'{_names(choice.dropped)}, keeps {_names(choice.kept)}{tally}; chosen: {_chosen(choice)}{proof}'
    )
    return wrapped(sentence, width)


def _proof(selection: Selection, choice: Choice) -> str:
    """In how many scores the words of a choice are better than the baseline by more than noise."""
    chosen = [word for word in choice.kept if word.group in choice.chosen]
    gains = [sum(bool(cell.change) and cell.change.verdict == GAIN for cell in word.cells) for word in chosen]
    said = ', '.join(f'{word.group} in {count}' for word, count in zip(chosen, gains, strict=True))
    base, scores = selection.baseline.group, len(selection.headings)
    return f'better than {base} by more than the noise: {said} of {scores} scores'


def _names(words: tuple[Line, ...]) -> str:
    return ', '.join(word.group for word in words) or 'none'
