"""What the plots of the page are made from, and that several of them can stand in one page."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from fake_project import draw_confusions, write_run
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mmseg_ext.reports.comparison.cells import GAIN, INSIDE, LOSS, ONE_SEED, Cell, Change, Line, ScoreTable
from mmseg_ext.reports.comparison.records import Comparison, PerImage, RunRecord
from mmseg_ext.reports.page import bars, forest
from mmseg_ext.reports.page.confusion import matrices, percent
from mmseg_ext.reports.page.history import history, mean_over_seeds
from mmseg_ext.reports.page.images import shares
from mmseg_ext.reports.page.labels import LETTER, PLACES, place_names
from mmseg_ext.reports.page.lanes import lanes
from mmseg_ext.reports.page.scores import image_iou, image_scores, nanmean
from mmseg_ext.reports.page.sheets import room, sheets, typical
from mmseg_ext.reports.page.style import looks, plot, short

NAN = float('nan')


def line(model: str = 'm', group: str = 'g', runs: tuple = (), cells: tuple[Cell, ...] = ()) -> Line:
    return Line(model, group, runs, len(runs), cells)


def record(result: dict | None, folder: Path = Path('run'), per_image: PerImage | None = None) -> RunRecord:
    made = RunRecord(folder, None, result, None)
    made.__dict__['per_image'] = per_image
    return made


# --- images ---


def test_iou_of_images_by_hand():
    counts = np.array(
        [  # correct, labelled, predicted of background and two defects
            [[90, 90, 90], [5, 10, 5], [0, 0, 0]],  # 5 / 10, and a class that is not there
            [[90, 90, 90], [0, 10, 0], [4, 4, 8]],  # 0 and 4 / 8
            [[99, 99, 99], [0, 0, 0], [0, 0, 0]],  # no defect
            [[90, 90, 90], [0, 0, 3], [0, 0, 0]],  # a false alarm
        ]
    )
    np.testing.assert_allclose(image_iou(counts), [50, 25, NAN, 0])


def test_scores_of_images_are_means_over_seeds_that_saw_the_same_images():
    def seen(names: tuple[str, ...], correct: int) -> RunRecord:
        counts = np.array([[[90, 90, 90], [correct, 10, 10]]] * 2)
        return record({}, per_image=PerImage(names, counts))

    here, there = seen(('/a/1.png', '/a/2.png'), 10), seen(('/b/2.png', '/b/1.png'), 0)
    other = seen(('/a/1.png', '/a/3.png'), 0)
    np.testing.assert_allclose(image_scores(line(runs=(here, there, other))), [50, 50])
    assert image_scores(line(runs=(record({}),))) is None
    assert image_scores(line()) is None


def test_undefined_is_left_out_of_means():
    np.testing.assert_allclose(nanmean(np.array([[1, NAN, NAN], [3, 5, NAN]])), [2, 5, NAN])


def test_shares_of_images_by_hand():
    scores = np.array([0, 0, 0.1, 25, 25.1, 50, 75, 76, 100, 100])
    np.testing.assert_allclose(shares(scores), [20, 20, 20, 10, 30])


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_shares_are_of_all_images(scores):
    assert shares(np.array(scores)).sum() == pytest.approx(100)


# --- curves ---


def test_the_mean_of_curves_is_that_of_common_iterations():
    assert mean_over_seeds([{1: 2.0, 2: 4.0, 3: 9.0}, {1: 4.0, 3: 1.0}]) == ([1, 3], [3.0, 5.0])
    assert mean_over_seeds([{1: 2.0}]) == ([1], [2.0])


def test_curves_of_undefined_scores_are_no_plot():
    runs = (record({}, Path('a')), record({}, Path('b')))
    lines, look = [line(runs=runs)], looks(['g'], False)
    nothing = {Path('a'): {'IoU.x': {1: NAN}}, Path('b'): {}}
    assert history(lines, look, nothing, 'IoU.x', 'X', 'label') is None
    some = {Path('a'): {'IoU.x': {1: NAN, 2: 5.0}}, Path('b'): {}}
    assert '<svg' in history(lines, look, some, 'IoU.x', 'X', 'label')


# --- the order of lanes, and looks ---


def test_lanes_keep_a_model_together_below_its_name():
    made = lanes([line('A', '1'), line('B', '1'), line('A', '2')])
    assert [(each.model, each.group) for each in made.lines] == [('A', '1'), ('A', '2'), ('B', '1')]
    assert [name for _, name in made.headings] == ['A', 'B']
    order = sorted([*made.places, *(place for place, _ in made.headings)])
    assert order == [made.headings[0][0], *made.places[:2], made.headings[1][0], made.places[2]]
    assert min(np.diff(order)) >= 1


def test_one_model_needs_no_heading():
    assert lanes([line('A', '1'), line('A', '2')]).headings == ()


@pytest.mark.parametrize('baseline', [False, True])
def test_groups_can_be_told_apart(baseline):
    made = looks([str(k) for k in range(24)], baseline)
    assert len({(look.colour, look.marker, look.line) for look in made.values()}) == 24
    assert len({look.colour for look in list(made.values())[:8]}) == 8


def test_long_names_lose_their_middle():
    assert short('abcdefgh', 8) == 'abcdefgh'
    assert short('abcdefghi', 8) == 'abcd…ghi'


# --- bars and intervals ---


def one_axis():
    return Figure().subplots()


def test_bars_are_as_long_as_means_and_every_seed_is_a_dot():
    cells = [Cell((10.0, 30.0), 20.0, 14.1), Cell((50.0, NAN), 50.0, None), Cell((), NAN, None)]
    shared, axis = (
        lanes([line('A', group, (), (cell,)) for group, cell in zip('xyz', cells, strict=True)]),
        one_axis(),
    )
    bars._panel(axis, shared, looks('xyz', False), cells)
    assert [bar.get_width() for bar in axis.patches[:2]] == [20, 50]
    dots = axis.collections[-1].get_offsets().tolist()
    assert dots == [[10, shared.places[0]], [30, shared.places[0]], [50, shared.places[1]]]
    assert [text.get_text() for text in axis.texts] == ['20.0', '50.0', '–']
    assert [text.get_position()[0] > end for text, end in zip(axis.texts, (34.1, 50, 0), strict=True)] == [
        True
    ] * 3
    assert axis.get_xlim()[0] == 0


def test_a_change_is_filled_only_beyond_the_noise():
    faces = {}
    for verdict in (GAIN, LOSS, INSIDE, ONE_SEED):
        axis, look = one_axis(), looks(['x'], False)['x']
        both = None if verdict == ONE_SEED else (-1.0, 3.0)
        forest._change(axis, 0.0, look, Change('y', 1.0, (0.0, 2.0), None, both, verdict))
        faces[verdict] = axis.lines[-1].get_markerfacecolor()
        ends = [segment[:, 0].tolist() for each in axis.collections for segment in each.get_segments()]
        assert ends == [[-1, 3], [0, 2]][verdict == ONE_SEED :]
    assert faces == {GAIN: look.colour, LOSS: look.colour, INSIDE: 'white', ONE_SEED: 'white'}


def test_without_changes_there_is_no_forest():
    comparison = Comparison('p', 'P', ('', ''), 'change', ())
    lines = (line(cells=(Cell((1.0,), 1.0, None),) * 2),)
    table = ScoreTable(comparison, 'P', ('mIoU', 'mAcc'), ('mIoU_fg', 'mAcc_fg'), lines, (), (), ())
    assert forest.forest(table, looks(['g'], True), ('mIoU_fg', 'mAcc_fg'), 'label') is None


# --- names beside points ---


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 250)), min_size=1, max_size=12))
def test_a_name_that_moved_covers_nothing(points):
    at, size = np.array(points), (400, 250)
    offsets = place_names(['name'] * len(at), at, at, size)
    half = np.array([LETTER[0] * 4, LETTER[1]]) / 2
    boxes = [(middle - half, middle + half) for middle in at + offsets]
    for k, (low, high) in enumerate(boxes):
        if tuple(offsets[k]) != PLACES[0]:
            assert (low >= 0).all()
            assert (high <= size).all()
            assert not ((at > low - 6) & (at < high + 6)).all(1).any()
            assert not any((low < other[1]).all() and (other[0] < high).all() for other in boxes[:k])


def test_names_of_close_points_move_apart_and_a_lone_one_stands_above():
    at = np.array([[100.0, 100.0], [104.0, 100.0], [300.0, 100.0]])
    offsets = place_names(['a', 'b', 'c'], at, at, (400, 250))
    assert offsets[0].tolist() == offsets[2].tolist() == [0, 16]
    assert offsets[1].tolist() == [30, 16]


# --- confusion ---


def test_confusion_is_the_sum_of_seeds_by_rows():
    classes = ['background', 'crack']
    runs = tuple(
        record({'classes': classes, 'confusion': counts}) for counts in ([[90, 10], [3, 1]], [[80, 20], [0, 0]])
    )
    other = record({'classes': ['background', 'dent'], 'confusion': [[1, 2], [3, 4]]})
    (matrix,) = matrices([line(runs=(*runs, other)), line(runs=(record({'classes': classes}),)), line()])
    cells = dict(matrix.rows)
    assert [cell.text for cell in cells['background']] == ['85.0', '15.0']
    assert [cell.text for cell in cells['crack']] == ['75.0', '25.0']
    assert cells['crack'][0].said == '3 of 4 pixels labelled crack are predicted as background'
    assert cells['crack'][0].shade == 0.75


def test_a_class_without_pixels_has_no_shares():
    (matrix,) = matrices([line(runs=(record({'classes': ['b', 'c'], 'confusion': [[5, 0], [0, 0]]}),))])
    assert [cell.text for cell in dict(matrix.rows)['c']] == ['–', '–']
    assert 'no pixel is labelled c' in dict(matrix.rows)['c'][0].said


@pytest.mark.parametrize(
    ('share', 'text'), [(0, '0'), (1e-6, '<0.1'), (0.0005, '0.1'), (0.5, '50.0'), (0.99999, '>99.9'), (1, '100')]
)
def test_next_to_nothing_is_not_nothing(share, text):
    assert percent(share) == text


# --- sheets ---


def test_the_sheet_is_of_the_run_in_the_middle(tmp_path):
    runs = []
    for k, score in enumerate([30.0, None, 10.0, 20.0, 99.0]):
        folder = tmp_path / str(k)
        (folder / 'test').mkdir(parents=True)
        if k != 4:
            (folder / 'test/worst.png').write_bytes(b'x')
        runs.append(record({'scores': {'mIoU_fg': score}}, folder))
    assert typical(line(runs=tuple(runs))) is runs[2]  # of None, 10, 20, 30; 99 has no sheet
    assert typical(line(runs=tuple(runs[4:]))) is None


def one_score(lines: list[Line]) -> ScoreTable:
    comparison = Comparison('p', 'P', ('', ''), 'best', ())
    return ScoreTable(comparison, 'P', ('mIoU',), ('mIoU_fg',), tuple(lines), (), (), ())


def test_of_many_lines_the_best_have_a_sheet_and_a_large_one_is_shrunk(tmp_path):
    rng, lines = np.random.default_rng(0), []
    for k, score in enumerate([10.0, 40.0, NAN, 30.0]):
        (tmp_path / f'{k}/test').mkdir(parents=True)
        cv2.imwrite(str(tmp_path / f'{k}/test/worst.png'), rng.integers(0, 255, (400, 300, 3), np.uint8))
        run = record({'scores': {'mIoU_fg': score}}, tmp_path / str(k))
        lines.append(line('m', str(k), (run,), (Cell((score,), score, None),)))
    assert [sheet.line.group for sheet in sheets(one_score(lines), 4, 10**6)] == ['0', '1', '2', '3']
    small = sheets(one_score(lines), 2, 20_000)
    assert [sheet.line.group for sheet in small] == ['1', '3']
    assert all(len(sheet.uri) < 1.5 * 20_000 for sheet in small)
    assert all(sheet.size[0] / sheet.size[1] == pytest.approx(0.75, abs=0.01) for sheet in small)


def test_room_for_sheets_is_shared():
    assert room([one_score([line()] * 5), one_score([line()] * 3)]) == (20, 1_000_000)
    assert room([one_score([line()] * 100)]) == (40, 200_000)
    assert room([one_score([line()])] * 30) == (4, 8_000_000 // 30)
    assert room([]) == (40, 8_000_000)


# --- inline SVG ---


def draw(figure) -> None:
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], 'o', label='<b> & $x$ 裂')
    axis.set_xlim(0, 0.5)
    axis.legend()


def test_plots_share_no_id_and_refer_to_their_own():
    pages = [plot(label, (300, 200), draw) for label in ('one', 'two & "three"')]
    ids = [set(re.findall(r'\bid="([^"]+)"', page)) for page in pages]
    assert all(ids)
    assert not ids[0] & ids[1]
    for page, own in zip(pages, ids, strict=True):
        assert set(re.findall(r'(?:url\(#|href="#)([\w-]+)', page)) == own


def test_a_plot_is_an_image_with_a_name_and_text_that_stays_text():
    root = ElementTree.fromstring(plot('two & "three"', (300, 200), draw))
    assert (root.get('width'), root.get('height'), root.get('role')) == ('300', '200', 'img')
    assert root.get('aria-label') == 'two & "three"'
    assert '<b> & $x$ 裂' in ''.join(root.itertext())
    assert not [child for child in root.iter() if child.tag.endswith(('metadata', 'style', 'title'))]


def test_colours_survive_the_new_ids():
    page = plot('colour', (300, 200), lambda figure: figure.subplots().plot([0, 1], color='#0072B2'))
    assert '#0072b2' in page.lower()


def test_the_fake_runs_are_read_as_they_are_written(tmp_path):
    """The counts of a run on disk give the score of its result when pooled: the plots and the table agree."""
    folder = write_run(tmp_path / 'run', draw_confusions(7, 0.5))
    run = RunRecord(folder, None, json.loads((folder / 'test/result.json').read_text()), None)
    pooled = image_iou(run.per_image.counts.sum(0, keepdims=True))
    assert pooled[0] == pytest.approx(run.result['scores']['mIoU_fg'])
