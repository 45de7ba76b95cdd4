"""The pictures of an edit: what is cut out, what is drawn onto it, and what happens when a file is missing."""

import base64
import io
import shutil

import numpy as np
import pytest
from fake_edits import META, SIZE
from PIL import Image

from augment.report.pictures import FRAME, LONGEST, heat, outline, sheet, source_path
from augment.report.records import Line, read_lines

PALETTE = META['palette']


def decoded(uri: str) -> np.ndarray:
    head, _, content = uri.partition(',')
    assert head in ('data:image/jpeg;base64', 'data:image/png;base64')
    return np.array(Image.open(io.BytesIO(base64.b64decode(content))))


@pytest.fixture
def line(edits) -> Line:
    return next(each for each in read_lines(edits) if each.id == 'tile_000__rust')


@pytest.fixture
def folder(edits, line, tmp_path):
    """The files of one edit, to be damaged."""
    for name in (f'img_dir/train/{line.stem}.png', line.output['image'], line.output['label']):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(edits / name, tmp_path / name)
    return tmp_path


def test_the_window_is_cut_out_of_both_photographs(edits, line):
    drawn = sheet(edits, line, PALETTE)
    top, left, height, width = line.windows[0]
    for uri, name in ((drawn.before, f'img_dir/train/{line.stem}.png'), (drawn.after, line.output['image'])):
        whole = np.array(Image.open(edits / name))[top : top + height, left : left + width]
        shown = decoded(uri)
        assert shown.shape == whole.shape
        assert np.abs(shown.astype(int) - whole).mean() < 3  # JPEG
    assert drawn.size == (width, height)
    assert decoded(drawn.frame).shape == (round(FRAME * SIZE[0] / SIZE[1]), FRAME, 3)
    expected = (100 * left / SIZE[1], 100 * top / SIZE[0], 100 * width / SIZE[1], 100 * height / SIZE[0])
    assert drawn.boxes == (pytest.approx(expected),)


def test_the_difference_is_black_where_nothing_changed(edits, line):
    drawn = sheet(edits, line, PALETTE)
    change = decoded(drawn.difference).astype(int).sum(-1)
    moved = np.abs(decoded(drawn.before).astype(int) - decoded(drawn.after)).max(-1)
    assert change[moved < 2].mean() < 40
    assert change[moved > 50].mean() > 300


def test_heat_goes_from_black_to_yellow():
    colours = heat(np.array([[0, 32, 64, 255]], np.uint8))[0].astype(int)
    assert colours[0].sum() < 15
    assert colours[1, 0] > colours[1, 1]  # red in the middle
    assert (colours[2] == colours[3]).all()
    assert colours[2].min() > 100


def test_outlines_have_the_colours_of_the_classes():
    label = np.zeros((20, 40), np.uint8)
    label[5:15, 5:15], label[5:15, 20:30], label[0:3, 34:] = 1, 2, 255
    region = label.copy()
    region[3:17, 3:32] = 1
    drawn = outline(label, PALETTE, region)
    assert drawn.shape == (LONGEST // 2, LONGEST, 4)
    shown = {tuple(map(int, colour)) for colour in np.unique(drawn.reshape(-1, 4), axis=0)}
    assert shown == {
        (0, 0, 0, 0),
        (255, 64, 64, 255),
        (64, 160, 255, 255),
        (160, 160, 160, 255),
        (255, 255, 255, 255),
    }
    scale = LONGEST / 40
    assert drawn[round(10 * scale), round(10 * scale), 3] == 0  # the inside stays clear
    assert drawn[round(10 * scale), round(5 * scale)].tolist() == [255, 64, 64, 255]


def test_a_class_without_a_colour_is_grey():
    label = np.zeros((8, 8), np.uint8)
    label[2:6, 2:6] = 7
    assert {tuple(each) for each in outline(label, [])[outline(label, [])[..., 3] > 0].tolist()} == {
        (160, 160, 160, 255)
    }


def test_of_several_windows_the_one_that_changed_most_is_shown(edits, line):
    away = (0, 0, 20, 20)
    drawn = sheet(edits, Line(**vars(line) | {'windows': (away, line.windows[0])}), PALETTE)
    assert drawn.size == (160, 160)
    assert len(drawn.boxes) == 2
    assert drawn.boxes[1][:2] == (0, 0)


def test_without_the_photograph_there_is_no_before(folder, line):
    (folder / f'img_dir/train/{line.stem}.png').unlink()
    drawn = sheet(folder, line, PALETTE)
    assert (drawn.before, drawn.difference) == ('', '')
    assert drawn.after
    assert drawn.outline


def test_the_photograph_is_looked_for_where_it_was_read(folder, line, tmp_path):
    inside = folder / f'img_dir/train/{line.stem}.png'
    outside = tmp_path / 'elsewhere.png'
    found = Line(**vars(line) | {'source': {'path': str(outside)}})
    shutil.copy(inside, outside)
    assert source_path(folder, found) == inside
    inside.unlink()
    assert source_path(folder, found) == outside
    assert sheet(folder, found, PALETTE).before


def test_a_photograph_of_another_size_is_not_compared(folder, line):
    Image.new('RGB', (50, 50)).save(folder / f'img_dir/train/{line.stem}.png')
    assert sheet(folder, line, PALETTE).before == ''


def test_files_that_cannot_be_read_leave_the_rest(folder, line):
    (folder / line.output['label']).write_bytes(b'no picture')
    assert sheet(folder, line, PALETTE).outline == ''
    (folder / line.output['image']).write_bytes(b'no picture')
    assert sheet(folder, line, PALETTE) is None
    assert sheet(folder, Line('a__b', 'a', 'b', 'failed'), PALETTE) is None


def test_a_label_with_colours_of_its_own_is_read_by_its_values(folder, line):
    path = folder / line.output['label']
    expected = sheet(folder, line, PALETTE).outline
    label = Image.open(path)
    label.putpalette([200, 0, 0] * 256)
    label.save(path)
    assert Image.open(path).mode == 'P'
    assert sheet(folder, line, PALETTE).outline == expected


def test_a_stem_with_brackets_is_no_pattern(folder, line):
    (folder / f'img_dir/train/{line.stem}.png').rename(folder / 'img_dir/train/a[1].png')
    assert source_path(folder, Line('a[1]__rust', 'a[1]', 'rust', 'ok')).name == 'a[1].png'
