"""The three steps on the source's numbers, and what noise changes on runs."""

from pathlib import Path

import pytest
from fake_project import draw_confusions, write_plan, write_run

from mmseg_ext.errors import UsageError
from mmseg_ext.reports.comparison.given import read_given
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.reports.comparison.selection import lowers, select
from mmseg_ext.reports.comparison.selection_text import selection_text

SOURCE = Path(__file__).parents[2] / 'benchmarks/source_words.csv'
HEADER = 'Word,A IoU,A Acc,mIoU,mAcc'


def names(words):
    return [word.group for word in words]


def chosen(tmp_path, text, **options):
    """The selection from a table of given numbers."""
    file = tmp_path / 'numbers.csv'
    file.write_text(f'{HEADER}\n{text}\n')
    (selection,) = select(read_given(file), **options)
    return selection


def project(tmp_path, recalls, seeds=3, **plan):
    """A sweep of words that find this share of the defects."""
    rows = {}
    for word, recall in recalls.items():
        rows['Net', word] = [f'exp/net/{word}/seed{seed}' for seed in range(3)]
        for seed in range(seeds):
            confusions = draw_confusions(30, recall, seed=int(1e4 * recall) + seed + 10)
            write_run(tmp_path / rows['Net', word][seed], confusions, seed=seed)
    write_plan(tmp_path, 'words', rows, **plan)
    return read_project(tmp_path).comparisons[0]


def test_the_rule_of_the_source_drops_dent_and_does_not_decide():
    (selection,) = select(read_given(SOURCE))
    assert selection.baseline.group == 'Original'
    assert [cell.mean for cell in selection.baseline.cells] == [30.04, 34.39, 22.21, 37.02, 26.125, 35.705]
    assert names(selection.words) == ['blistering', 'corrosion', 'dent', 'peeling', 'rust', 'scratch']
    assert names(selection.strict.dropped) == ['blistering', 'corrosion', 'dent', 'scratch']
    dent = next(word for word in selection.words if word.group == 'dent')
    assert lowers(dent, selection.baseline) == [3]
    assert dent.cells[3].change.difference == pytest.approx(-0.02)
    assert selection.strict.tally == {'peeling': (3, 3), 'rust': (3, 3)}
    assert selection.strict.chosen == ('peeling', 'rust')
    assert selection.aware is None


def test_with_dent_kept_it_is_peeling():
    (selection,) = select(read_given(SOURCE), tolerance=0.05)
    assert names(selection.strict.dropped) == ['blistering', 'corrosion', 'scratch']
    assert selection.strict.tally == {'dent': (2, 2), 'peeling': (3, 1), 'rust': (1, 3)}
    assert selection.strict.chosen == ('peeling',)


def test_the_story_of_the_source_as_text():
    (selection,) = select(read_given(SOURCE))
    text = selection_text(selection, 100)
    assert 'dropped: dent, for it lowers Broken Acc' in text
    (line,) = [line.split() for line in text.splitlines() if '37.00' in line]
    assert line == ['Broken', 'Acc', '37.02', '37.00', '−0.02', '–', 'lowered', 'unknown']
    assert 'kept: peeling, rust' in text
    assert 'peeling 3 best and 3 second best, rust 3 best and 3 second best.' in text
    assert 'none; peeling and rust tie, and the rule does not decide between them' in text
    assert 'cannot be applied, for the uncertainty of these numbers is unknown' in text
    assert text.count('lowered') == 6
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ('text', 'tally', 'word'),
    [
        ('o,1,1,1,1\na,9,2,9,9\nb,2,9,2,2', dict(a=(3, 1), b=(1, 3)), 'a'),
        ('o,1,1,1,1\na,9,2,9,2\nb,5,5,5,5\nc,2,9,2,9', dict(a=(2, 0), b=(0, 4), c=(2, 0)), 'a c'),
        ('o,1,1,1,1\na,9,2,9,2\nb,5,5,5,9\nc,2,9,2,5', dict(a=(2, 0), b=(1, 3), c=(1, 1)), 'a'),
        ('o,1,1,1,1\na,9,9,2,2\nb,2,2,9,9\nc,5,5,5,1', dict(a=(2, 1), b=(2, 0), c=(0, 3)), 'a'),
        ('o,1,1,1,1\na,9,9,2,2\nb,2,2,9,9\nc,2,5,2,3', dict(a=(2, 1), b=(2, 1), c=(0, 4)), 'a b'),
        ('o,1,1,1,1\na,9,9,2,5\nb,5,5,9,9\nc,2,2,5,2', dict(a=(2, 1), b=(2, 2), c=(0, 1)), 'b'),
        ('o,1,1,1,1\na,1,1,1,1', dict(a=(0, 0)), 'a'),
        # what looks equal with two digits is equal
        ('o,1,1,1,1\na,5.001,9,9,9\nb,5.004,2,2,2\nc,2,1,1,1', dict(a=(4, 0), b=(1, 3), c=(0, 1)), 'a'),
    ],
)
def test_best_then_second_best_decide(tmp_path, text, tally, word):
    selection = chosen(tmp_path, text)
    assert selection.strict.tally == tally
    assert selection.strict.chosen == tuple(word.split())


def test_no_word_is_left(tmp_path):
    selection = chosen(tmp_path, 'o,5,5,5,5\na,9,9,9,4')
    assert selection.strict.chosen == ()
    assert 'kept: none' in selection_text(selection)
    assert 'Steps 2 and 3: no word is left, the rule chooses none.' in selection_text(selection)


def test_a_score_that_a_word_lacks_is_lowered_one_that_the_baseline_lacks_is_not(tmp_path):
    selection = chosen(tmp_path, 'o,5,,5,5\na,9,9,9,9\nb,,9,9,9')
    assert names(selection.strict.dropped) == ['b']
    assert 'dropped: b, for it lowers A IoU' in selection_text(selection)


def test_rows_of_one_name_are_seeds(tmp_path):
    selection = chosen(tmp_path, 'o,1,1,1,1\no,3,3,3,3\na,4,4,4,4\na,6,6,6,6')
    assert selection.baseline.cells[0].mean == 2
    assert selection.words[0].cells[0].sd == pytest.approx(2**0.5)
    # 3 points, standard error sqrt(1 + 1), two degrees of freedom: t at 97.5 % is 4.302653
    expected = (3 - 4.302653 * 2**0.5, 3 + 4.302653 * 2**0.5)
    assert selection.words[0].cells[0].change.trainings == pytest.approx(expected)
    assert selection.aware is None  # the noise of the test images is unknown


def test_the_noise_aware_rule_keeps_what_is_lower_by_chance(tmp_path):
    comparison = project(tmp_path, dict(Original=0.5, level=0.49, good=0.75, bad=0.3))
    (selection,) = select(comparison)
    assert names(selection.strict.kept) == ['good']
    assert names(selection.aware.dropped) == ['bad']
    assert selection.aware.chosen == ('good',)
    text = selection_text(selection, 120)
    level, bad = text.index('dropped: level'), text.index('dropped: bad')
    assert 'inside the noise' in text[level:bad]
    assert 'outside the noise' not in text[level:bad]
    assert text[bad:].count('outside the noise') == 6
    assert 'drops bad, keeps level, good' in ' '.join(text.split())
    assert 'better than Original by more than the noise: good in 6 of 6 scores' in ' '.join(text.split())


def test_marks_of_the_plan_do_not_matter(tmp_path):
    (selection,) = select(project(tmp_path, dict(Original=0.5, good=0.6), marks='best'))
    assert selection.words[0].cells[0].change.against == 'Net, Original'


def test_one_seed_tells_the_interval_of_the_images(tmp_path):
    (selection,) = select(project(tmp_path, dict(Original=0.5, bad=0.3), seeds=1))
    assert selection.aware is None
    assert 'that of the test images alone' in ' '.join(selection_text(selection, 120).split())


def test_words_without_a_result_are_told(tmp_path):
    project(tmp_path, dict(Original=0.5, good=0.6))
    rows = {('Net', word): [f'exp/net/{word}/seed0'] for word in ('Original', 'good', 'lost')}
    write_plan(tmp_path, 'words', rows)
    (selection,) = select(read_project(tmp_path).comparisons[0])
    assert selection.missing == ('lost',)
    assert 'not judged: lost, without a result on this test data' in selection_text(selection)


@pytest.mark.parametrize(
    ('recalls', 'rows', 'problem'),
    [
        (dict(good=0.5), ('Original', 'good'), 'Original, which all words are compared with, has no result'),
        (dict(Original=0.5), ('Original', 'good'), 'Net has no result of a word beside Original'),
    ],
)
def test_a_selection_needs_a_baseline_and_a_word(tmp_path, recalls, rows, problem):
    project(tmp_path, recalls)
    write_plan(tmp_path, 'words', {('Net', word): [f'exp/net/{word}/seed0'] for word in rows})
    with pytest.raises(UsageError, match=problem):
        select(read_project(tmp_path).comparisons[0])


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        ('', 'the columns are missing; a table has'),
        ('Word,mIoU\na,1', 'the columns are Word, mIoU; a table has a heading for the names'),
        ('Word,A IoU,mIoU,mAcc\na,1,1,1', r'the columns are Word, A IoU, mIoU, mAcc;'),
        (HEADER, 'and rows'),
        (f'{HEADER}\na,1,1,1', 'line 2: 4 fields, but 5 headings'),
        (f'{HEADER}\na,1,1,1,x', "line 2: could not convert string to float: 'x'; scores are numbers in percent"),
        (f'{HEADER}\na,1,1,1,inf', 'line 2: inf is no score; scores are numbers in percent'),
    ],
)
def test_a_table_in_another_form_is_refused(tmp_path, content, problem):
    file = tmp_path / 'numbers.csv'
    file.write_text(content)
    with pytest.raises(UsageError, match=problem):
        read_given(file)
    with pytest.raises(UsageError, match=r'absent\.csv: no such file'):
        read_given(tmp_path / 'absent.csv')
