"""Tables of scores: what is marked as best, and what is said of the runs."""

import math

import numpy as np
import pytest
from fake_project import write_failure
from score_table import BASE, BETTER, SAME, WORSE, notes, row, runs, table

from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.reports.comparison.tables import score_tables


def marks_of(score_table, column=4):
    return [f'{line.cells[column].mark}{"≈" * line.cells[column].level}' for line in score_table.lines]


def test_best_and_second_best(tmp_path):
    rows = {
        ('N', 'a'): runs(BASE),
        ('N', 'b'): runs(BETTER),
        ('N', 'c'): [],
        ('N', 'd'): runs(0.745, first=10),
        ('N', 'e'): runs(WORSE),
    }
    shown = table(tmp_path, rows, 'best')
    assert marks_of(shown) == ['', 'best', '', 'second≈', '']
    assert [line.cells[4].change and line.cells[4].change.against for line in shown.lines] == [
        'N, b',
        None,
        None,
        'N, b',
        'N, b',
    ]
    assert 'more, in truth, because the best was picked by these numbers' in notes(shown)
    assert shown.legend[0].startswith('Bold: best of the column; italic: second best')


def test_equal_ones_share_their_mark(tmp_path):
    same = runs(BETTER)
    shown = table(
        tmp_path, {('N', 'a'): same, ('N', 'b'): runs(BASE), ('N', 'c'): same, ('N', 'd'): runs(WORSE)}, 'best'
    )
    assert marks_of(shown) == ['best', 'second', 'best', '']
    assert row(shown, 'c').cells[4].change.difference == 0


def test_where_all_are_equal_nothing_stands_out(tmp_path):
    same = runs(BASE)
    assert marks_of(table(tmp_path / 'a', {('N', 'a'): same, ('N', 'b'): same}, 'best')) == ['', '']
    assert marks_of(table(tmp_path / 'b', {('N', 'a'): same}, 'best')) == ['']


def test_one_seed_can_be_inside_the_noise_of_the_images(tmp_path):
    rows = {('N', 'a'): runs(SAME, 1), ('N', 'b'): runs(BASE, 1), ('N', 'c'): runs(WORSE, 1)}
    shown = table(tmp_path, rows, 'best')
    assert sorted(marks_of(shown)) == ['', 'best', 'second≈']


def test_rows_compete_within_their_model_if_every_model_has_several(tmp_path):
    rows = {('M', 'a'): runs(WORSE), ('M', 'b'): runs(BASE), ('N', 'a'): runs(BASE), ('N', 'b'): runs(BETTER)}
    shown = table(tmp_path / 'a', rows, 'best')
    assert marks_of(shown) == ['second', 'best', 'second', 'best']
    assert shown.legend[0].startswith('Bold: best of the model')
    del rows['M', 'a']
    assert marks_of(table(tmp_path / 'b', rows, 'best')) == ['second', 'second', 'best']
    rows['M', 'c'] = []
    assert marks_of(table(tmp_path / 'c', rows, 'best')) == ['second', 'second', 'best', '']


def test_runs_that_failed_or_are_missing_are_told(tmp_path):
    write_failure(tmp_path / 'exp/N/b/seed2', 'killed by signal 9 (out of memory?)')
    (tmp_path / 'exp/N/c/seed0/train').mkdir(parents=True)
    rows = {('N', 'a'): runs(BASE), ('N', 'b'): runs(BETTER, 2), ('N', 'c'): []}
    shown = table(tmp_path, rows)
    assert [(len(line.runs), line.planned) for line in shown.lines] == [(3, 3), (2, 3), (0, 3)]
    assert row(shown, 'b').notes == ('2 of 3 seeds (1 without a result)',)
    assert 'N, b: 2 of 3 seeds (1 without a result).' in notes(shown)
    assert all(math.isnan(cell.mean) and cell.sd is None for cell in row(shown, 'c').cells)
    assert [(each.group, each.run.seed, each.state, each.reason) for each in shown.unfinished] == [
        ('b', 2, 'failed', 'killed by signal 9 (out of memory?)'),
        ('c', 0, 'begun', 'begun, without a test result so far'),
        ('c', 1, 'new', 'not begun'),
        ('c', 2, 'new', 'not begun'),
    ]


def test_a_plan_without_results(tmp_path):
    shown = table(tmp_path, {('N', 'a'): [], ('N', 'b'): []})
    assert (shown.keys, shown.headings, shown.legend) == ((), (), ())
    assert shown.notes[1:] == tuple(f'N, {group}: 0 of 3 seeds (3 without a result).' for group in 'ab')
    assert [line.planned for line in shown.lines] == [3, 3]
    assert len(shown.unfinished) == 6


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({('N', 'b', 1): dict(config_hash='x')}, 'N, b: its runs differ in more than the seed'),
        ({('N', 'b', 1): dict(data_hash='x')}, 'b: its runs did not all train on the same data.'),
        ({('N', 'b', 1): dict(resumed=True)}, 'N, b: † resumed: seed 1.'),
        ({('N', 'b'): dict(commit='f' * 40 + '+x')}, 'Commits not alike: 0123456 in N, a; fffffff+x in N, b.'),
        ({('N', 'b'): dict(amp=True)}, 'Mixed precision not alike: no in N, a; yes in N, b.'),
        ({('N', 'b'): dict(pretrained='r50')}, 'Pretrained weights not alike: no in N, a; yes in N, b.'),
        ({('N', 'b'): dict(device='H x 1')}, 'Devices not alike: cpu x 1 in N, a; H x 1 in N, b.'),
        ({('N', 'b'): dict(versions={})}, 'Versions of torch not alike: 2.13.0 in N, a; unknown in N, b.'),
    ],
)  # fmt: skip
def test_what_was_not_alike_is_told(tmp_path, changes, said):
    rows = {('N', 'a'): runs(BASE), ('N', 'b'): runs(BASE)}
    assert said in notes(table(tmp_path / 'a', rows, changes=changes))
    alike = notes(table(tmp_path / 'b', rows))
    assert 'alike' not in alike
    assert len(alike.splitlines()) == 1


def test_other_lengths_of_training_are_told(tmp_path):
    rows = {(f'N{k}', 'a'): runs(BASE, 1, 6) for k in range(5)}
    shown = table(tmp_path, rows, changes={('N4', 'a'): dict(iterations=800)})
    assert 'Iterations not alike: 400 in N0, a / N1, a / N2, a and 1 other rows; 800 in N4, a.' in notes(shown)


def test_runs_that_ended_when_nothing_improved_are_alike_in_that(tmp_path):
    rows = {(f'N{k}', 'a'): runs(BASE, 1, 6) for k in range(3)}
    early = {(f'N{k}', 'a'): dict(iterations=300 + k, stopped_early=True) for k in range(3)}
    assert 'alike' not in notes(table(tmp_path / 'a', rows, changes=early))
    del early['N0', 'a']
    said = 'Iterations not alike: 400 in N0, a; until nothing improved in N1, a / N2, a.'
    assert said in notes(table(tmp_path / 'b', rows, changes=early))


def test_a_class_in_few_images_gets_no_verdict(tmp_path):
    """Five images hold the second class: neither it nor the means are judged."""
    rows = {('N', 'a'): runs(BASE), ('N', 'b'): runs(BETTER)}
    for confusions in (each for run in rows.values() for each in run):
        held = np.flatnonzero(confusions[:, 2].sum(1))
        confusions[held[5:], 0, 0] += confusions[held[5:], 2].sum(1)
        confusions[held[5:], 2] = 0
    cells = row(table(tmp_path, rows), 'b').cells
    assert [cell.change.verdict for cell in cells] == ['gain'] * 2 + ['too few test images with it'] * 4
    assert all(cell.change.both for cell in cells)
    (shown,) = score_tables(read_project(tmp_path).comparisons[0])
    assert 'broken: in 5 of 30 test images; with fewer than 6 an interval is too narrow' in notes(shown)
