"""What the page says in words, and the facts at its head."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from mmseg_ext.reports.comparison.cells import (
    GAIN,
    INSIDE,
    LOSS,
    ONE_SEED,
    Cell,
    Change,
    Line,
    ScoreTable,
    Unfinished,
)
from mmseg_ext.reports.comparison.records import Comparison, Project, Row, RunRecord
from mmseg_ext.reports.comparison.wording import points
from mmseg_ext.reports.page.facts import facts_of, log_of, without_result
from mmseg_ext.reports.page.findings import finding, interval, number

NAN = float('nan')


def change(difference: float, verdict: str, against: str = 'Net, Original', both=(-1.0, 12.04)) -> Change:
    return Change(against, difference, (-0.5, 9.0), (-2.0, 3.0), both, verdict)


def cell(mean: float, sd: float | None = 1.0, change: Change | None = None, seeds: int = 3) -> Cell:
    return Cell((mean,) * seeds, mean, sd, change=change)


def table(cells: dict[tuple[str, str], Cell], marks: str = 'change', unfinished: tuple = ()) -> ScoreTable:
    lines = tuple(Line(model, group, (), 3, (each,)) for (model, group), each in cells.items())
    comparison = Comparison('p', 'P', ('Model', 'Trained on'), marks, ())
    return ScoreTable(comparison, 'P', ('mIoU',), ('mIoU_fg',), lines, (), (), unfinished)


def test_the_best_line_against_its_baseline_and_the_next():
    made = table(
        {
            ('Net', 'Original'): cell(40.0),
            ('Net', 'w/ peeling'): cell(46.94, 1.26, change(6.94, GAIN, both=(1.02, 12.04))),
            ('Big', 'Original'): cell(46.92),
            ('Big', 'w/ peeling'): cell(41.0, change=change(-5.92, LOSS)),
            ('Old', 'w/ peeling'): cell(1.0, change=change(0.1, INSIDE)),
        }
    )
    assert finding(made) == (
        'Net, w/ peeling has the highest mIoU of the defects: 46.9 ± 1.3 % (mean ± sd of 3 seeds). '
        'Against Net, Original that is +6.9 points (95 % interval +1.0 to +12.0), beyond the noise. '
        'Big, Original follows less than 0.1 points behind. '
        'Of 3 rows compared with their baseline: 1 better, 1 worse, 1 not shown to differ.'
    )


def test_the_distance_to_the_best():
    made = table(
        {
            ('', 'Focal'): cell(44.3, None, seeds=1),
            ('', 'Dice'): cell(22.3, None, change(-22.0, ONE_SEED, 'Focal', both=None), seeds=1),
        },
        'best',
    )
    assert finding(made) == (
        'Focal has the highest mIoU of the defects: 44.3 % (one seed). '
        f'Dice follows: −22.0 points (95 % interval −0.5 to +9.0), {ONE_SEED}.'
    )


def test_a_distance_beyond_the_noise():
    worse = cell(30.0, change=change(-5.0, LOSS, 'Focal', both=(-8.0, -2.0)))
    said = finding(table({('', 'Dice'): worse, ('', 'CE'): worse, ('', 'Focal'): cell(35.0)}, 'best'))
    assert 'Dice follows: −5.0 points (95 % interval −8.0 to −2.0), beyond the noise. ' in said
    assert said.endswith('Of 2 rows compared with the best: 2 worse.')


def test_rows_that_are_all_alike():
    made = table({('A', 'x'): cell(0.0), ('A', 'y'): cell(0.001), ('A', 'z'): cell(NAN, None)})
    assert finding(made) == 'All 2 rows have the same mIoU of the defects, 0.0 %.'


def test_one_row_and_none():
    one = table({('Net', 'Original'): cell(40.0), ('Net', 'x'): cell(NAN, None, seeds=0)})
    said = (
        'Net, Original: mIoU of the defects 40.0 ± 1.0 % (mean ± sd of 3 seeds), with nothing to compare it with.'
    )
    assert finding(one) == said
    assert finding(table({('Net', 'x'): cell(NAN, None)})).startswith('No score for the defects')
    assert finding(table({})).startswith('No score for the defects')


def test_numbers_as_they_are_written():
    assert number(cell(1.25, 0.04), 2) == '1.25 ± 0.04'
    assert [points(value, 1) for value in (1.26, -1.26, 0.0)] == ['+1.3', '−1.3', '+0.0']
    assert interval((-1.0, 2.0), 0) == '−1 to +2'
    assert interval(None) == 'not known'


# --- facts ---


def run(folder: Path, result: dict | None = None, failure: dict | None = None) -> RunRecord:
    (folder / 'test').mkdir(parents=True)
    if result is not None:
        (folder / 'test/result.json').write_text('{}')
    return RunRecord(folder, None, result, failure)


def result(seed: int, **changes) -> dict:
    return dict(seed=seed, images=7, commit='0123456789abcdef+changes', device='cpu x 2') | changes


def at(minute: int) -> str:
    return datetime(2031, 2, 3, 4, minute).astimezone(timezone.utc).isoformat()


def test_every_run_is_counted_once(tmp_path):
    runs = [
        run(tmp_path / 'a', result(0, finished=at(4))),
        run(tmp_path / 'b', result(1, device='GPU', commit=None, finished=at(5))),
        run(tmp_path / 'c'),
    ]
    rows = (Row('m', 'g', tuple(runs)), Row('m', 'h', tuple(runs[:1])))
    comparison = Comparison('p', 'P', ('', ''), 'best', rows)
    failed = Unfinished('m', 'g', runs[2], 'failed', 'no memory')
    facts = facts_of(Project(tmp_path, (comparison, comparison)), [failed])
    assert (facts.name, facts.runs, facts.finished, facts.failed) == (tmp_path.name, 3, 2, 1)
    assert (facts.seeds, facts.images, facts.when) == ('0, 1', '7', '2031-02-03 04:05')
    assert (facts.commits, facts.machines) == ('0123456789+changes, unknown', 'cpu x 2, GPU')


def test_many_values_are_counted(tmp_path):
    rows = (Row('m', 'g', tuple(run(tmp_path / str(seed), result(seed)) for seed in range(6))),)
    comparison = Comparison('p', 'P', ('', ''), 'best', rows)
    assert facts_of(Project(tmp_path, (comparison,)), []).seeds == '0, 1, 2 and 3 more'


def test_nothing_finished(tmp_path):
    facts = facts_of(Project(tmp_path, (Comparison('p', 'P', ('', ''), 'best', ()),)), [])
    assert (facts.runs, facts.when, facts.seeds, facts.commits) == (0, '–', '–', '–')


def test_runs_without_result_stand_once_and_failures_first(tmp_path):
    new, failed = (Unfinished('m', 'g', run(tmp_path / state), state, '') for state in ('new', 'failed'))
    again = Unfinished('other', 'g', new.run, 'new', '')
    assert without_result([table({}, unfinished=(new, failed)), table({}, unfinished=(again,))]) == [failed, new]


@pytest.mark.parametrize('failure', [None, {'reason': 'x'}, {'reason': 'x', 'log': 'log.txt'}])
def test_a_log_is_named_where_there_is_one(tmp_path, failure):
    each = Unfinished('m', 'g', run(tmp_path / 'a', failure=failure), 'failed', 'x')
    assert log_of(each) == ''
    (tmp_path / 'a/log.txt').write_text('x')
    assert log_of(each) == str(tmp_path / 'a/log.txt')
