"""Tables of scores: the numbers, what is compared with what, and the noise."""

import csv
import math

import numpy as np
import pytest
from fake_project import draw_confusions, make_fake_project
from scipy import stats
from score_table import BASE, BETTER, KEYS, SAME, WORSE, notes, row, runs, table, tables

from mmseg_ext.functional.bootstrap import combined_interval, expanded_level, resample_weights
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.reports.comparison.tables import score_tables


def test_columns_means_and_deviations(tmp_path):
    # attached: IoU 5/10, 6/10, 7/10, recall 5/8, 6/8, 7/8; broken: never found
    confusions = [np.array([[[90, 2, 0], [8 - k, k, 0], [4, 0, 0]]]) for k in (5, 6, 7)]
    shown = table(tmp_path, {('Net', 'a'): confusions})
    assert shown.headings == ('Attached IoU', 'Attached Acc', 'Broken IoU', 'Broken Acc', 'mIoU', 'mAcc')
    assert shown.keys == KEYS
    (line,) = shown.lines
    assert [cell.mean for cell in line.cells] == pytest.approx([60, 75, 0, 0, 30, 37.5])
    assert [cell.sd for cell in line.cells] == pytest.approx([10, 12.5, 0, 0, 5, 6.25])
    assert line.cells[0].values == pytest.approx((50, 60, 70))
    assert 'Mean ± sample deviation over the seeds' in '\n'.join(shown.legend)
    assert 'without background: mIoU_fg and mAcc_fg' in '\n'.join(shown.legend)


def test_what_is_undefined_stays_so(tmp_path):
    nothing = np.array([[[90, 0, 0], [3, 5, 0], [0, 0, 0]]])
    wrong = np.array([[[88, 0, 2], [3, 5, 0], [0, 0, 0]]])
    line = table(tmp_path, {('Net', 'a'): [nothing, wrong, nothing], ('Net', 'b'): [nothing] * 3}).lines[0]
    assert math.isnan(line.cells[2].values[0])  # null in the file
    assert (line.cells[2].mean, line.cells[2].sd) == (0, None)  # one false alarm in three trainings
    assert math.isnan(line.cells[3].mean)
    other = table(tmp_path / 'b', {('Net', 'a'): [nothing], ('Net', 'b'): [nothing]}).lines[1]
    assert other.cells[2].change is None
    assert other.cells[4].mean == pytest.approx(62.5)


@pytest.mark.parametrize(
    ('recall', 'mark', 'verdict'),
    [(BETTER, 'better', 'gain'), (WORSE, 'worse', 'loss'), (SAME, '', 'inside the noise')],
)
def test_only_what_is_outside_the_noise_is_marked(tmp_path, recall, mark, verdict):
    shown = table(tmp_path, {('Net', 'base'): runs(BASE), ('Net', 'other'): runs(recall, first=10)})
    for base, cell in zip(*(line.cells for line in shown.lines), strict=True):
        assert (base.mark, base.change) == ('', None)
        assert (cell.mark, cell.change.verdict, cell.change.against) == (mark, verdict, 'Net, base')
        assert cell.change.difference == pytest.approx(cell.mean - base.mean)
    judged = {'gain': 6, 'loss': 6, 'inside the noise': 0}[verdict]
    assert f'6 differences were judged, {judged} of them lie outside the noise' in notes(shown)
    assert 'up to about 0.3 (5 %) would by chance.' in notes(shown)


def test_the_three_intervals(tmp_path):
    """Against scipy for the trainings, and written out once more for the images."""
    one, other = runs(BASE), runs(0.55)
    shown = table(tmp_path, {('Net', 'base'): one, ('Net', 'other'): other})
    cell, base = row(shown, 'other').cells[1], row(shown, 'base').cells[1]  # recall of 'attached'
    oracle = stats.ttest_ind(cell.values, base.values, equal_var=False).confidence_interval()
    assert cell.change.trainings == pytest.approx((oracle.low, oracle.high))

    def recall(confusions, weights):
        pooled = np.einsum('rn,snij->rsij', weights, np.stack(confusions))
        return (100 * pooled[..., 1, 1] / pooled[..., 1, :].sum(-1)).mean(1)

    weights = resample_weights(30)
    level = expanded_level((one[0][:, 1].sum(1) > 0).sum())
    difference = recall(other, weights) - recall(one, weights)
    tails = np.percentile(difference, [50 - 50 * level, 50 + 50 * level])
    assert cell.change.images == pytest.approx(tuple(tails))
    both = combined_interval(cell.change.difference, tuple(tails), (oracle.low, oracle.high))
    assert cell.change.both == pytest.approx(both)


def test_a_gain_in_one_image_is_noise(tmp_path):
    """Trainings that hardly differ, and a network that finds all of the largest defect but nothing more."""
    base = [draw_confusions(30, BASE) for _ in range(3)]
    for seed, confusions in enumerate(base):
        confusions[seed, 0, [0, 1]] += [-1, 1]
    lucky = [each.copy() for each in base]
    for each in lucky:
        biggest = each[:, 1].sum(1).argmax()
        each[biggest, 1] = [0, each[biggest, 1].sum(), 0]
    change = row(table(tmp_path, {('N', 'a'): base, ('N', 'b'): lucky}), 'b').cells[0].change
    assert change.trainings[0] > 0
    assert change.images[0] <= 0
    assert change.verdict == 'inside the noise'


def test_a_gain_in_one_training_is_noise(tmp_path):
    base = runs(BASE)
    change = row(table(tmp_path, {('N', 'a'): base, ('N', 'b'): [*base[:2], runs(0.95)[2]]}), 'b').cells[1].change
    assert change.images[0] > 0
    assert change.trainings[0] < 0
    assert change.verdict == 'inside the noise'


def test_equal_networks_seldom_look_different(tmp_path):
    """Fifteen pairs of the same quality: about 5 % of their scores may be marked, by chance."""
    project = make_fake_project(tmp_path, [f'net{index}' for index in range(15)], gain=0.0)
    (shown,) = score_tables(read_project(project).comparisons[0])
    marks = [cell.mark for line in shown.lines for cell in line.cells if cell.change]
    assert len(marks) == 90
    assert sum(map(bool, marks)) <= 6


@pytest.mark.parametrize('seeds', [(1, 3), (3, 1), (1, 1)])
def test_one_seed_gives_no_verdict(tmp_path, seeds):
    rows = {('Net', 'base'): runs(BASE, seeds[0]), ('Net', 'other'): runs(BETTER, seeds[1])}
    shown = table(tmp_path, rows)
    for cell in row(shown, 'other').cells:
        assert cell.change.verdict == 'one seed: noise of training unknown'
        assert cell.change.images[0] > 0
        assert (cell.change.trainings, cell.change.both, cell.mark) == (None, None, '')
    assert [cell.sd is None for cell in row(shown, 'base').cells] == [seeds[0] == 1] * 6
    assert 'No verdict on 6 differences (one seed: noise of training unknown).' in notes(shown)
    said = 'One seed a row: how much another training' if seeds == (1, 1) else 'one seed has none'
    assert said in shown.legend[-1]


def test_images_are_paired_by_name(tmp_path):
    """Another folder and another order of the images change nothing; pairing makes the interval narrow."""
    base, other = runs(BASE), runs(SAME)
    expected = row(table(tmp_path / 'a', {('Net', 'a'): base, ('Net', 'b'): other}), 'b')
    order = np.random.default_rng(0).permutation(30)
    names = [f'/elsewhere/img_dir/test/{index:04d}.png' for index in order]
    moved = {('Net', 'b'): dict(names=names)}
    shown = table(
        tmp_path / 'b', {('Net', 'a'): base, ('Net', 'b'): [each[order] for each in other]}, changes=moved
    )
    assert [cell.change.images for cell in row(shown, 'b').cells] == [
        cell.change.images for cell in expected.cells
    ]
    unpaired = {('Net', 'b'): dict(names=sorted(names))}
    shuffled = table(
        tmp_path / 'c', {('Net', 'a'): base, ('Net', 'b'): [each[order] for each in other]}, changes=unpaired
    )
    low, high = row(shuffled, 'b').cells[4].change.images
    assert high - low > 1.5 * np.subtract(*expected.cells[4].change.images[::-1])


def test_other_images_are_not_paired(tmp_path):
    names = [f'data/test/other{index}.png' for index in range(30)]
    shown = table(
        tmp_path, {('N', 'a'): runs(BASE), ('N', 'b'): runs(BETTER)}, changes={('N', 'b'): dict(names=names)}
    )
    change = row(shown, 'b').cells[0].change
    assert (change.images, change.both) == (None, None)
    assert change.verdict == 'no pixel counts of the same test images: their noise is unknown'
    assert 'No interval over test images for N, b: not the images of N, a.' in notes(shown)


def test_runs_of_a_row_that_name_other_images(tmp_path):
    names = [f'data/test/other{index}.png' for index in range(30)]
    shown = table(
        tmp_path, {('N', 'a'): runs(BASE), ('N', 'b'): runs(BETTER)}, changes={('N', 'b', 1): dict(names=names)}
    )
    assert 'for N, b: its runs do not name the same test images.' in notes(shown)


@pytest.mark.parametrize('marks', ['change', 'best'])
def test_without_counts_there_is_no_interval_over_images(tmp_path, marks):
    shown = tables(tmp_path, {('N', 'a'): runs(BASE), ('N', 'b'): runs(BETTER)}, marks)
    (tmp_path / 'exp/N/b/seed1/test/per_image.csv').unlink()
    (shown,) = score_tables(read_project(tmp_path).comparisons[0])
    cells = row(shown, 'a' if marks == 'best' else 'b').cells
    assert {cell.change.images for cell in cells} == {None}
    assert {cell.change.verdict for cell in cells} == {
        'no pixel counts of the same test images: their noise is unknown'
    }
    assert 'for N, b: test/per_image.csv holds no pixel counts.' in notes(shown)


def test_counts_of_another_result_are_not_believed(tmp_path):
    tables(tmp_path, {('N', 'a'): runs(BASE), ('N', 'b'): runs(BETTER)})
    file = tmp_path / 'exp/N/b/seed1/test/per_image.csv'
    with file.open(newline='') as opened:
        rows = list(csv.DictReader(opened))
    rows[0]['predicted.broken'] = int(rows[0]['predicted.broken']) + 40
    with file.open('w', newline='') as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (shown,) = score_tables(read_project(tmp_path).comparisons[0])
    assert 'for N, b: test/per_image.csv is not of the result beside it.' in notes(shown)


def test_results_on_other_test_data_are_apart(tmp_path):
    rows = {('N', 'a'): runs(BASE), ('N', 'b'): runs(BETTER), ('N', 'c'): runs(BETTER), ('N', 'd'): []}
    changes = {('N', 'b'): dict(split_hash='other'), ('N', 'c', 2): dict(split_hash='other')}
    first, second = tables(tmp_path, rows, changes=changes)
    assert first.title == 'Words (test data splitsplitsplits: attached, broken)'
    assert second.title == 'Words (test data other: attached, broken)'
    assert [line.group for line in first.lines] == ['a', 'c', 'd']
    assert [line.group for line in second.lines] == ['b', 'c']
    assert [len(line.runs) for line in second.lines] == [3, 1]
    assert row(first, 'c').notes == ('2 of 3 seeds (1 on other test data)',)
    assert all(cell.change is None for line in second.lines for cell in line.cells)
    for shown in (first, second):
        assert 'scores of different tables must not be compared' in shown.notes[0]
    assert 'N: nothing to compare with, for a has no result on this test data.' in notes(second)
    assert [len(shown.unfinished) for shown in (first, second)] == [3, 0]


def test_other_classes_are_apart(tmp_path):
    changes = {('N', 'b'): dict(classes=('background', 'crack'))}
    rows = {('N', 'a'): runs(BASE), ('N', 'b'): [each[:, :2, :2] for each in runs(BASE)]}
    first, second = tables(tmp_path, rows, changes=changes)
    assert first.keys == KEYS
    assert second.headings == ('Crack IoU', 'Crack Acc', 'mIoU', 'mAcc')
    assert [line.group for line in second.lines] == ['b']
