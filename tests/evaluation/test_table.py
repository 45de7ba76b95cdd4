"""The table shows what there is and marks what there is not."""

import math

import pytest

from mmseg_ext.evaluation import format_table

CLASSES = ('background', 'crack')
SCORES = {
    'aAcc': 99.5,
    'mIoU': 75.123,
    'mIoU_fg': 50.5,
    'FalseAlarms': 0.25,
    'IoU.background': 99.746,
    'IoU.crack': 50.5,
    'Acc.background': 100.0,
    'Acc.crack': math.nan,
    'Found.crack': None,
}


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip(' ─')]


def test_every_score_is_where_it_belongs():
    assert cells(format_table(SCORES, CLASSES)) == [
        ['Class', 'IoU', 'Acc', 'Found'],
        ['background', '99.75', '100.00', '–'],
        ['crack', '50.50', '–', '–'],
        ['mIoU_fg', 'mIoU', 'aAcc', 'FalseAlarms'],
        ['50.50', '75.12', '99.50', '0.25'],
    ]


@pytest.mark.parametrize('name', ['[red]', ':warning:', 'a b'])
def test_odd_class_names_are_shown_as_they_are(name):
    assert name in format_table({f'IoU.{name}': 1.0}, ['background', name])


def test_a_long_class_name_is_folded_and_not_cut():
    text = format_table({f'IoU.{200 * "x"}': 1.0}, ['background', 200 * 'x'])
    assert text.count('x') == 200
    assert ' 1.00' in text
    assert max(map(len, text.splitlines())) <= 96


def test_width_is_kept_and_lines_end_clean():
    scores = {f'{column}.{name}': 100.0 for column in ('IoU', 'Acc', 'F1', 'Found') for name in CLASSES}
    scores |= dict.fromkeys(['mIoU_fg', 'mAcc_fg', 'mIoU', 'mAcc', 'mF1', 'aAcc', 'FalseAlarms'], 100.0)
    lines = format_table(scores, CLASSES, width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)
    assert 'FalseAlarms' in lines[-3]


def test_nothing_to_show_is_no_table():
    assert format_table({'PES': 54.5}, CLASSES) == ''
    assert cells(format_table({'aAcc': 99.5}, CLASSES)) == [['aAcc'], ['99.50']]
