"""What a reader must know of a table before believing it: the meaning of the marks, and what was not alike."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from mmseg_ext.reports.comparison.cells import GAIN, INSIDE, LOSS, RESUMED, Line, ScoreTable
from mmseg_ext.reports.comparison.marks import baselines, blocks
from mmseg_ext.reports.comparison.noise import FEWEST, Resampled
from mmseg_ext.reports.comparison.records import Row, RunRecord

BY_CHANCE = 0.05
NAMED, VALUES = 3, 3  # rows and values that a note names
MEANS = 'mIoU and mAcc are means over the defects, without background: mIoU_fg and mAcc_fg of result.json.'
CHANGES = (
    '{high}: better than the first row of the same model; {low}: worse. Only where zero lies outside the 95 % '
    'interval of the difference over test images and trainings together; everything else is inside the noise.'
)
BEST = (
    '{high}: best {of}; {low}: second best; by the means. ≈: inside the noise: zero lies in the 95 % interval of '
    'the difference from the best over test images and trainings together.'
)
PICKED = '; more, in truth, because the best was picked by these numbers'


def legend(lines: Sequence[Line], marks: str, names: tuple[str, str] = ('Bold', 'italic')) -> tuple[str, ...]:
    """The rule of the two marks, which are called ``names``, the meaning of the means, and the number of seeds."""
    of = 'of the model' if len(blocks(lines)) > 1 else 'of the column'
    rule = (CHANGES if marks == 'change' else BEST).format(high=names[0], low=names[1], of=of)
    return rule, MEANS, _seeds(sorted({len(line.runs) for line in lines if line.runs}))


def _seeds(counts: Sequence[int]) -> str:
    if counts[-1] < 2:
        return (
            'One seed a row: how much another training would differ is unknown, so that no mark and no order here '
            'says more than how these runs came out.'
        )
    said = 'Mean ± sample deviation over the seeds (column n); '
    return said + ('one seed has none.' if counts[0] < 2 else 'the deviation of one training, not of the mean.')


def line_notes(row: Row, runs: Sequence[RunRecord]) -> Iterator[str]:
    """What is special about one row: seeds without a result, or with one on other data, and resumed runs."""
    lacking, elsewhere = len(row.runs) - len(row.finished), len(row.finished) - len(runs)
    why = [f'{lacking} without a result' * (lacking > 0), f'{elsewhere} on other test data' * (elsewhere > 0)]
    if any(why):
        yield f'{len(runs)} of {len(row.runs)} seeds ({", ".join(filter(None, why))})'
    resumed = [str(run.seed) for run in runs if run.resumed]
    if resumed:
        yield f'{RESUMED} resumed: seed {", ".join(resumed)}'


def table_notes(table: ScoreTable, noise: Sequence[Resampled | str], tables: int) -> Iterator[str]:
    """Sentences under a table, the ones that forbid a comparison first."""
    if tables > 1:
        yield (
            'Warning: not all runs here were judged on the same test data and classes; scores of different tables '
            'must not be compared.'
        )
    yield from _without_baseline(table)
    yield from _comparisons(table)
    yield from _without_images(table, noise)
    yield from _few_images(table, noise)
    yield from _unlike(table)
    yield from (f'{line.label}: {note}.' for line in table.lines for note in line.notes)


def _without_baseline(table: ScoreTable) -> Iterator[str]:
    if table.comparison.marks != 'change':
        return
    first = baselines(table.comparison)
    present = {(line.model, line.group) for line in table.lines if line.runs}
    lost = dict.fromkeys(line.model for line in table.lines if (line.model, first[line.model]) not in present)
    for model in lost:
        yield f'{model}: nothing to compare with, for {first[model]} has no result on this test data.'


def _comparisons(table: ScoreTable) -> Iterator[str]:
    """How many differences were judged, and what chance alone would make of so many."""
    verdicts = Counter(cell.change.verdict for line in table.lines for cell in line.cells if cell.change)
    judged = sum(verdicts[verdict] for verdict in (GAIN, LOSS, INSIDE))
    if judged:
        picked = PICKED if table.comparison.marks == 'best' else ''
        yield (
            f'{judged} differences were judged, {judged - verdicts[INSIDE]} of them lie outside the noise; if '
            f'nothing differed, up to about {BY_CHANCE * judged:.1f} (5 %) would by chance{picked}.'
        )
    for verdict, count in verdicts.items():
        if verdict not in (GAIN, LOSS, INSIDE):
            yield f'No verdict on {count} {"difference" if count == 1 else "differences"} ({verdict}).'


def _without_images(table: ScoreTable, noise: Sequence[Resampled | str]) -> Iterator[str]:
    """Rows whose noise of the test images is unknown, by reason."""
    by_reason: dict[str, list[str]] = {}
    scored = [(line.label, each) for line, each in zip(table.lines, noise, strict=True) if line.scored]
    first = next(((label, each) for label, each in scored if isinstance(each, Resampled)), None)
    for label, each in scored:
        if isinstance(each, str):
            by_reason.setdefault(each, []).append(label)
        elif each.names != first[1].names:
            by_reason.setdefault(f'not the images of {first[0]}', []).append(label)
    for reason, labels in by_reason.items():
        yield f'No interval over test images for {_named(labels)}: {reason}.'


def _few_images(table: ScoreTable, noise: Sequence[Resampled | str]) -> Iterator[str]:
    """Classes that too few images hold: their intervals are too narrow, and with them those of the means."""
    known = next((each for each in noise if isinstance(each, Resampled)), None)
    if known is None:
        return
    for key, count in zip(table.keys[:-2:2], known.held[:-1, 0], strict=True):
        if count < FEWEST:
            yield (
                f'{key.partition(".")[2]}: in {count} of {len(known.names)} test images; with fewer than {FEWEST} '
                'an interval is too narrow, and its scores and the means get no verdict.'
            )


def _unlike(table: ScoreTable) -> Iterator[str]:
    """In what the runs differ that should have been alike."""
    for line in table.lines:
        if len({run.result.get('config_hash') for run in line.runs}) > 1:
            yield f'{line.label}: its runs differ in more than the seed, their configs are not the same.'
    for group in dict.fromkeys(line.group for line in table.lines):
        runs = [run for line in table.lines if line.group == group for run in line.runs]
        if len({run.result.get('data_hash') for run in runs}) > 1:
            yield f'{group}: its runs did not all train on the same data.'
    for name, value in CONDITIONS.items():
        by_value: dict[str, list[str]] = {}
        for line in table.lines:
            for run in line.runs:
                by_value.setdefault(value(run), []).append(line.label)
        if len(by_value) > 1:
            said = [f'{each} in {_named(labels)}' for each, labels in by_value.items()]
            others = [f'{len(said) - VALUES} other values'] * (len(said) > VALUES)
            yield f'{name} not alike: {"; ".join(said[:VALUES] + others)}.'


def _named(labels: Sequence[str]) -> str:
    """The rows, the first of them by name."""
    rows = list(dict.fromkeys(labels))
    return ' / '.join(rows[:NAMED]) + f' and {len(rows) - NAMED} other rows' * (len(rows) > NAMED)


def _commit(run: RunRecord) -> str:
    commit, plus, changes = (run.result.get('commit') or 'unknown').partition('+')
    return commit[:7] + plus + changes


def _length(run: RunRecord) -> str:
    """How long it was trained; runs that end when they no longer improve are alike in that, whenever it came."""
    stopped = (run.training or {}).get('stopped_early')
    return 'until nothing improved' if stopped else str(run.iterations or 'unknown')


CONDITIONS: dict[str, Callable[[RunRecord], str]] = {
    'Iterations': _length,
    'Commits': _commit,
    'Mixed precision': lambda run: 'yes' if run.result.get('amp') else 'no',
    'Pretrained weights': lambda run: 'yes' if run.result.get('pretrained') else 'no',
    'Devices': lambda run: str(run.result.get('device', 'unknown')),
    'Versions of torch': lambda run: str((run.result.get('versions') or {}).get('torch', 'unknown')),
}
