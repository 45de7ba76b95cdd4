"""Curves of a run, also of one that was resumed or killed."""

import json

import cv2
import pytest

from mmseg_ext.reports.curves import plot_curves, read_history


def scalars(folder, start: str, rows: list, tail: str = '') -> None:
    path = folder / start / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, rows)) + tail)


def test_a_later_start_counts_and_a_line_cut_by_a_kill_does_not(tmp_path):
    scalars(
        tmp_path, '20260101_000000', [{'loss': 3.0, 'step': 1}, {'loss': 2.0, 'step': 2}], '\n{"loss": 9.0, "st'
    )
    scalars(tmp_path, '20260101_000009', [{'loss': 1.0, 'step': 2, 'text': 'x'}, {'IoU.crack': 5, 'step': 3}])
    assert read_history(tmp_path) == {
        'loss': {1: 3.0, 2: 1.0},
        'step': {1: 1.0, 2: 2.0, 3: 3.0},
        'IoU.crack': {3: 5.0},
    }


def test_one_line_for_each_defect_class(tmp_path, monkeypatch):
    drawn = []
    from mmseg_ext.reports import curves

    draw = curves._draw
    monkeypatch.setattr(
        curves,
        '_draw',
        lambda axis, title, lines, top=None: (drawn.append((title, lines)), draw(axis, title, lines, top)),
    )
    rows = [{'loss': 2.0 - step / 9, 'step': step} for step in range(1, 9)]
    rows += [
        {f'{name}.{c}': 10.0 * step, 'step': step} for step in (4, 8) for name in ('IoU', 'Acc') for c in 'ab'
    ]
    scalars(tmp_path, 'x', rows)
    assert plot_curves(tmp_path, ['background', 'a', 'b'], tmp_path / 'curves.png') == tmp_path / 'curves.png'
    assert drawn[0] == ('loss', [('training', {step: 2.0 - step / 9 for step in range(1, 9)})])
    assert drawn[1][1] == [('a', {4: 40.0, 8: 80.0}), ('b', {4: 40.0, 8: 80.0})]
    assert drawn[3][1] == [('a', {}), ('b', {})]  # a metric that was not measured leaves its panel empty
    assert cv2.imread(str(tmp_path / 'curves.png')).std() > 5
    assert len(list(tmp_path.iterdir())) == 2


def test_the_loss_of_the_validations_joins_that_of_training(tmp_path, monkeypatch):
    from mmseg_ext.reports import curves

    drawn = []
    monkeypatch.setattr(curves, '_draw', lambda axis, title, lines, top=None: drawn.append(lines))
    scalars(tmp_path, 'x', [{'loss': 2.0, 'step': 1}, {'loss': 1.0, 'step': 2}, {'val_loss': 1.5, 'step': 2}])
    plot_curves(tmp_path, ['background', 'a'], tmp_path / 'curves.png')
    assert drawn[0] == [('training', {1: 2.0, 2: 1.0}), ('validation', {2: 1.5})]


@pytest.mark.parametrize('value', [0.0, -1.0, float('nan')])
def test_losses_that_have_no_logarithm_are_drawn(tmp_path, value):
    scalars(tmp_path, 'x', [{'loss': value, 'step': 1}])
    assert plot_curves(tmp_path, ['background', 'a'], tmp_path / 'curves.png')


def test_without_records_there_is_no_picture(tmp_path):
    assert plot_curves(tmp_path, ['background', 'a'], tmp_path / 'curves.png') is None
    assert list(tmp_path.iterdir()) == []
