"""Labels of every kind become class indices; what means nothing is counted, not guessed."""

import downloads
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmseg_ext.datasets.prepare.masks import (
    UnmappedValuesError,
    ValueMap,
    map_values,
    outside_ignored,
    parse_values,
    read_segmentation,
    read_white,
)
from mmseg_ext.errors import UsageError

CLASSES = ('background', 'scratch', 'dent')


def test_the_threshold_cuts_soft_edges_in_the_middle(tmp_path):
    path = downloads.save(tmp_path / 'a.png', np.array([[0, 1, 127, 128, 254, 255]], np.uint8))
    assert read_white(path, 5).tolist() == [[0, 0, 0, 5, 5, 5]]
    assert read_white(path, 1, level=1).tolist() == [[0, 1, 1, 1, 1, 1]]


@pytest.mark.parametrize('mode', ['1', 'P', 'RGB', 'RGBA', 'LA'])
def test_white_in_every_mode(mode, tmp_path):
    grey = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8))
    grey.convert(mode).save(tmp_path / 'a.png')
    assert read_white(tmp_path / 'a.png').tolist() == [[0, 1], [1, 0]]


def test_a_mask_of_0_and_1_is_taken_at_its_word(tmp_path):
    path = downloads.save(tmp_path / 'a.png', np.array([[0, 1]], np.uint8))
    assert read_white(path, 3).tolist() == [[0, 3]]
    assert read_white(downloads.save(tmp_path / 'b.bmp', np.zeros((2, 2), np.uint8))).tolist() == [[0, 0], [0, 0]]


def test_outside_the_surface_is_ignored(tmp_path):
    mask = downloads.save(tmp_path / 'a.bmp', np.array([[0, 255, 255]], np.uint8))
    surface = downloads.save(tmp_path / 's.bmp', np.array([[255, 255, 0]], np.uint8))
    assert outside_ignored(mask, surface).tolist() == [[0, 1, 255]]
    with pytest.raises(ValueError, match=r's2.bmp has another size'):
        outside_ignored(mask, downloads.save(tmp_path / 's2.bmp', np.zeros((2, 2), np.uint8)))


def test_values_by_index_name_and_255():
    assert parse_values(['0=0', '255=scratch', '7=2', '128=255'], CLASSES).table == {0: 0, 255: 1, 7: 2, 128: 255}
    assert parse_values(['#FF0000=dent', '#000000=0'], CLASSES) == ValueMap({0xFF0000: 2, 0: 0}, colours=True)
    assert parse_values([], CLASSES).table == {0: 0, 1: 1, 2: 2, 255: 255}


@pytest.mark.parametrize(('values', 'message'), [
    (['0'], 'no class ""'), (['x=1'], 'expected VALUE=CLASS'), (['#12=1'], 'expected VALUE=CLASS'),
    (['1=3'], r'no class "3"; give 0\.\.2'), (['1=hole'], 'no class "hole"'), (['1=-1'], 'no class "-1"'),
    (['1=1', '1=2'], 'value 1 is given twice'), (['0=0', '#ff0000=1'], 'grey values and colours together'),
])  # fmt: skip
def test_wrong_values(values, message):
    with pytest.raises(UsageError, match=message):
        parse_values(values, CLASSES)


def test_a_colour_map(tmp_path):
    colours = np.array([[[255, 0, 0], [0, 0, 0]], [[0, 0, 255], [255, 0, 0]]], np.uint8)
    path = downloads.save(tmp_path / 'a.png', colours)
    values = parse_values(['#ff0000=1', '#000000=0', '#0000ff=255'], CLASSES)
    assert map_values(path, values).tolist() == [[1, 0], [255, 1]]
    with pytest.raises(UnmappedValuesError) as caught:
        map_values(path, parse_values(['#000000=0'], CLASSES))
    assert caught.value.counts == {0xFF0000: 2, 0xFF: 1}


def test_grey_values_from_palette_equal_channels_and_16_bits(tmp_path):
    values = parse_values(['0=0', '1=1', '300=2'], CLASSES)
    indexed = Image.fromarray(np.array([[0, 1]], np.uint8), 'L').convert('P')
    indexed.putdata([0, 1])
    indexed.putpalette([9, 9, 9, 200, 0, 0])
    indexed.save(tmp_path / 'p.png')
    grey = downloads.save(tmp_path / 'g.png', np.array([[[1] * 3, [0] * 3]], np.uint8))
    deep = downloads.save(tmp_path / 'd.png', np.array([[0, 300]], np.uint16))
    assert [map_values(path, values).tolist() for path in (tmp_path / 'p.png', grey, deep)] == [
        [[0, 1]], [[1, 0]], [[0, 2]],
    ]  # fmt: skip


def test_colours_without_a_colour_map(tmp_path):
    path = downloads.save(tmp_path / 'a.png', downloads.noise(0))
    with pytest.raises(ValueError, match="a mask of colours: give --values '#RRGGBB=CLASS'"):
        map_values(path, parse_values([], CLASSES))


def test_a_matlab_file_of_something_else(tmp_path):
    savemat(tmp_path / 'a.mat', {'other': 1})
    with pytest.raises(ValueError, match=r'no groundTruth\.Segmentation'):
        read_segmentation(tmp_path / 'a.mat', ValueMap({1: 0}))
