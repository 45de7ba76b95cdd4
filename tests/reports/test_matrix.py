"""A matrix of data sets: its cells by hand, its rows, and what is written and drawn of it."""

import csv
import math
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_ext.errors import UsageError
from mmseg_ext.reports.matrix import Judging, differing_parts, matrices, rows_of
from mmseg_ext.reports.matrix_text import (
    cell_text,
    drop_text,
    heading,
    markdown,
    notes_of,
    top,
    write_csv,
)
from mmseg_ext.reports.page.heat_map import heat_map, scale, size, write_heat_map
from mmseg_ext.reports.page.matrix import picture_name, write_matrices

ODS = 'ODS@macro-0px'


def judging(trained_on, tested_on, iou, seed=0, model='unet', **changes) -> Judging:
    """``<model>_bce_dice_plateau_20k_<set>-64x64`` on a set: an IoU in percent, and half of it as ODS."""
    scores = dict(mIoU_fg=iou, FalseAlarms=2.0, **{ODS: iou and iou / 200, 'threshold@macro-0px': 0.3})
    result = dict(
        scores=scores,
        seed=seed,
        images=7,
        split='test',
        finished='2026-02-03T04:05:06+00:00',
        threshold=changes.pop('threshold', None),
    )
    values = dict(
        run=Path(f'{model}/{trained_on}/seed{seed}'),
        recipe=f'{model}_bce_dice_plateau_20k_{trained_on}-64x64',
        config_hash=f'{model} {trained_on}',
        trained_on=trained_on,
        tested_on=tested_on,
        home=trained_on == tested_on,
        result=result,
    )
    return Judging(**values | changes)


@pytest.fixture
def square() -> list[Judging]:
    """Two sets; the first has two seeds."""
    return [
        judging('a', 'a', 60.0),
        judging('a', 'b', 20.0),
        judging('a', 'a', 64.0, seed=1),
        judging('a', 'b', 21.0, seed=1),
        judging('b', 'a', 10.0),
        judging('b', 'b', 50.0),
    ]


def test_seeds_become_mean_and_deviation(square):
    iou, ods = matrices(square)
    assert (iou.metric, ods.metric, iou.columns) == ('mIoU_fg', ODS, ('a', 'b'))
    assert [row.label for row in iou.rows] == ['a', 'b']
    own, other = iou.rows[0].cells
    assert (own.mean, own.sd, own.home) == (62.0, pytest.approx(math.sqrt(8)), True)
    assert (other.mean, other.sd, other.home) == (20.5, pytest.approx(math.sqrt(0.5)), False)
    assert iou.rows[1].cells[1].sd is None
    assert ods.rows[0].cells[0].mean == pytest.approx(0.31)


def test_the_drop_by_hand(square):
    (iou,) = matrices(square, ['mIoU_fg'])
    assert iou.home_and_away == ((62 + 50) / 2, (20.5 + 10) / 2)
    assert drop_text(iou) == 'On its own set 56.00, on the others 15.25: a drop of 40.75 on average.'


def test_a_row_that_lacks_one_of_the_two_does_not_move_the_drop(square):
    alone = [*square, judging('c', 'a', 99.0), judging('c', 'b', None)]
    (iou,) = matrices(alone, ['mIoU_fg'])
    assert iou.home_and_away == (56.0, 15.25)
    (single,) = matrices([judging('a', 'a', 60.0)], ['mIoU_fg'])
    assert single.home_and_away is None
    assert drop_text(single) == 'No row has both its own set and another one: nothing to compare.'


def test_better_on_the_others_is_no_drop():
    (iou,) = matrices([judging('a', 'a', 40.0), judging('a', 'b', 45.5)], ['mIoU_fg'])
    assert drop_text(iou) == 'On its own set 40.00, on the others 45.50: a rise of 5.50 on average.'


@pytest.mark.parametrize('nothing', [None, math.nan])
def test_what_is_not_defined_is_left_out(nothing):
    (iou,) = matrices([judging('a', 'a', nothing), judging('a', 'a', 30.0, seed=1)], ['mIoU_fg'])
    assert iou.rows[0].cells[0].values == (30.0,)
    (iou,) = matrices([judging('a', 'a', nothing)], ['mIoU_fg'])
    assert (iou.rows[0].cells[0].mean, cell_text('mIoU_fg', iou.rows[0].cells[0])) == (None, '–')


def test_rows_of_several_recipes_stand_together_and_follow_the_columns():
    order = [('unet', 'b'), ('unetpp', 'b'), ('unet', 'a'), ('unetpp', 'a')]
    found = [judging(name, on, 1.0, model=model) for model, name in order for on in 'ab']
    assert list(rows_of(found)) == ['a · unet', 'b · unet', 'a · unetpp', 'b · unetpp']


def test_short_names_of_recipes_stay_whole():
    found = [judging('a', 'a', 1.0, recipe=f'ten_minutes-a{swapped}') for swapped in ('', '-dice_ce')]
    assert list(rows_of(found)) == ['a · ten_minutes', 'a · ten_minutes-dice_ce']
    assert list(rows_of(found[:1])) == ['a']


def test_another_config_of_the_same_name_is_another_row():
    found = [judging('a', 'a', 1.0, config_hash='0123456789'), judging('a', 'a', 2.0, config_hash='fedcba9876')]
    assert list(rows_of(found)) == ['a · 012345', 'a · fedcba']


@pytest.mark.parametrize(
    ('recipe', 'method'),
    [
        ('unet_bce_1xb8-20k_a_b-512x512-crack', 'unet_bce_1xb8-20k-512x512-crack'),
        ('ten_minutes-a_b', 'ten_minutes'),
        ('unet_a_b+lr=1', 'unet+lr=1'),
        ('unet_a_bc', 'unet_a_bc'),
    ],
)
def test_the_method_is_the_recipe_without_its_set(recipe, method):
    assert judging('a_b', 'a_b', 1.0, recipe=recipe).method == method


@pytest.mark.parametrize(
    ('names', 'short'),
    [
        (['unet_bce_20k'], ['']),
        (['unet_bce_20k', 'unetpp_bce_20k'], ['unet', 'unetpp']),
        (['unet_bce_20k', 'unet_dice_20k'], ['bce', 'dice']),
        (['unet_20k', 'unet_ds_20k'], ['unet', 'unet_ds']),
        (['a', 'b_c'], ['a', 'b_c']),
    ],
)
def test_names_are_told_by_what_differs(names, short):
    assert differing_parts(names) == short


def test_a_name_stands_for_all_its_protocols(square):
    for each in square:
        each.result['scores']['ODS@bsds-2px'] = 0.5
    assert [each.metric for each in matrices(square, ['ODS', 'FalseAlarms', 'ODS@bsds-2px'])] == [
        ODS,
        'ODS@bsds-2px',
        'FalseAlarms',
    ]
    assert [each.metric for each in matrices(square)] == ['mIoU_fg', ODS, 'ODS@bsds-2px']
    with pytest.raises(UsageError, match=r'--metrics mIoU_f: no result has it; did you mean mIoU_fg'):
        matrices(square, ['mIoU_f'])


def test_scores_have_their_scale_and_heading():
    assert [top(name) for name in ('mIoU_fg', 'IoU.a.b', ODS, 'FalseAlarms', 'val_loss')] == [
        100,
        100,
        1,
        None,
        None,
    ]
    assert [heading(name) for name in ('mIoU_fg', 'IoU.crack', 'OIS@bsds-2px-thin', 'FalseAlarms')] == [
        'IoU of the defects (mIoU_fg, %)',
        'IoU.crack (%)',
        'OIS (bsds, 2 px, thinned)',
        'FalseAlarms',
    ]


def test_markdown(square):
    renamed = [judging('a_1', 'a_1', 60.0), judging('a_1', 'b', 20.0)]
    (iou,) = matrices(renamed, ['mIoU_fg'])
    assert markdown([iou], ['a note']).splitlines() == [
        r'## IoU of the defects (mIoU\_fg, %)',
        '',
        r'| trained on ↓, tested on → | a\_1 | b |',
        '| --- | ---: | ---: |',
        r'| a\_1 | **60.00** | 20.00 |',
        '',
        'On its own set 60.00, on the others 20.00: a drop of 40.00 on average.',
        '',
        '* a note',
    ]
    assert '| **62.00 ± 2.8** | 20.50 ± 0.7 |' in markdown(matrices(square), [])
    assert '| **0.3100 ± 0.014** | 0.1025 ± 0.004 |' in markdown(matrices(square), [])


def test_notes_say_who_decides(square):
    shown = matrices(square)
    seeds, masks, ods = notes_of(square, shown)
    assert 'of 1 or 2 seeds.' in seeds
    assert masks == 'Masks, and so IoU: every pixel is of its most likely class.'
    assert 'best on the tested set itself' in ods
    for each, used in zip(square, (0.25, 0.25, 0.5, 0.5, 0.0, 0.0), strict=True):
        each.result['threshold'] = dict(used=used, best=0.9)
    assert notes_of(square, shown)[1].endswith('brings along from its training: a 0.25 / 0.5, b 0.')
    assert len(notes_of(square, shown[1:])) == 2
    assert len(notes_of(square, shown[:1])) == 2


def test_thresholds_of_many_rows_are_a_range():
    found = [judging(str(k), '1', 1.0, threshold=dict(used=0.1 * k)) for k in range(1, 6)]
    assert 'training: 0.1 to 0.5, each in' in notes_of(found, matrices(found))[1]


def test_the_table_for_programs(square, tmp_path):
    square[1].result['scores'][ODS] = None
    square[0].result['threshold'] = dict(used=0.25)
    with write_csv(square, tmp_path / 'long.csv').open(encoding='utf-8', newline='') as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 6 * 4
    assert lines[0] == dict(
        run='unet/a/seed0',
        recipe='unet_bce_dice_plateau_20k_a-64x64',
        seed='0',
        trained_on='a',
        tested_on='a',
        metric='mIoU_fg',
        value='60.0',
        threshold='0.25',
        images='7',
    )
    ods = [(line['tested_on'], line['value'], line['threshold']) for line in lines if line['metric'] == ODS]
    assert ods[:2] == [('a', '0.3', '0.3'), ('b', '', '0.3')]


def test_the_picture_is_darker_where_the_score_is_higher(tmp_path):
    found = [judging('a', 'a', 90.0), judging('a', 'b', 5.0), judging('b', 'a', 40.0), judging('b', 'b', None)]
    (iou,) = matrices(found, ['mIoU_fg'])
    picture = cv2.imread(str(write_heat_map(iou, tmp_path / 'map.png')))
    assert (picture.shape[1], picture.shape[0]) == pytest.approx([2 * side for side in size(iou)], abs=2)
    frame = (np.abs(picture - np.array([0x00, 0x9F, 0xE6])).max(2) < 8).nonzero()
    top_left, bottom_right = (tuple(f(axis) for axis in frame) for f in (np.min, np.max))
    half = [(low + high) // 2 for low, high in zip(top_left, bottom_right, strict=True)]

    inside = np.array(frame).T
    assert not ((inside[:, 0] < half[0]) & (inside[:, 1] > half[1])).any()  # a on b has no frame

    def shade(row: int, column: int) -> float:
        """Between the frame, or where it would be, and the number."""
        y = top_left[0] + 14 if row == 0 else half[0] + 24
        x = top_left[1] + 14 if column == 0 else half[1] + 24
        return picture[y, x].astype(float)

    assert shade(0, 0).sum() < shade(1, 0).sum() < shade(0, 1).sum()
    assert shade(1, 1) == pytest.approx([0xEB, 0xE7, 0xE3], abs=3)


def test_a_score_without_a_highest_value_is_drawn_up_to_the_highest_there_is(square):
    square[1].result['scores']['FalseAlarms'] = 9.0
    (alarms,) = matrices(square[:2], ['FalseAlarms'])
    assert scale(alarms) == 9.0
    nothing = [judging('a', 'a', 0.0)]
    nothing[0].result['scores']['FalseAlarms'] = 0.0
    (alarms,) = matrices(nothing, ['FalseAlarms'])
    assert scale(alarms) == 1.0
    assert heat_map(alarms).startswith('<svg')


def test_a_wide_matrix_stays_on_the_page():
    names = [f'a_data_set_with_a_long_name_{k}' for k in range(30)]
    (iou,) = matrices([judging(names[0], name, 50.0) for name in names], ['mIoU_fg'])
    assert size(iou)[0] == 1104
    assert heat_map(iou).count('50.00') >= 30


def test_all_files(square, tmp_path):
    evil = [judging('<b>a</b>', '<b>a</b>', 60.0), *square[4:]]
    shown = matrices(evil)
    paths = write_matrices(evil, shown, tmp_path / 'out', ['x/y: its training is not finished; left out'])
    assert [path.name for path in paths] == [
        'cross_eval.html',
        'cross_eval.md',
        'cross_eval.csv',
        'cross_eval_mIoU_fg.png',
        'cross_eval_ODS_macro-0px.png',
    ]
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {path.name for path in paths}
    page, text = (path.read_text(encoding='utf-8') for path in paths[:2])
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    assert "default-src 'none'" in page
    assert '<b>a</b>' not in page
    assert page.count('<svg') == 2
    assert page.count('class="best"') == 4
    assert page.count('x/y: its training is not finished') == text.count('x/y: its training is not finished') == 1
    assert text.count('## ') == 2


def test_names_of_pictures_are_plain():
    assert picture_name('IoU.crack/joint $1') == 'cross_eval_IoU.crack_joint__1.png'
