"""Captioned windows are read as they are, or refused with file, line and cure."""

import json
import shutil

import numpy as np
import pytest
from captioned_windows import make_windows
from PIL import Image

from augment.errors import DataError, UsageError
from augment.pocket.data import read_captions, read_windows


@pytest.fixture
def folder(words_folder, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(words_folder, tmp_path / 'words')


def write_line(folder, **values):
    line = {'file': 'images/00000.png', 'caption': 'photo of a crack', 'split': 'train', **values}
    (folder / 'captions.jsonl').write_text(json.dumps(line))


def test_images_and_captions_of_a_split(words_folder):
    lines = read_captions(words_folder)
    train, val = (read_windows(words_folder, lines, split) for split in ('train', 'val'))
    assert (len(train), len(val), train.size) == (14, 2, 64)
    assert train.captions[:3] == (
        'photo of a crack',
        'photo of a split with scratch',
        'photo of a crack with rust',
    )
    assert np.array_equal(val.images[0], np.asarray(Image.open(words_folder / 'images/00014.png')))
    assert len(read_windows(words_folder, lines, 'train', limit=3)) == 3
    assert len(read_windows(words_folder, lines, 'test')) == 0


def test_the_digest_tells_pixels_and_captions_apart(words_folder):
    lines = read_captions(words_folder)
    digest = read_windows(words_folder, lines, 'train').digest()
    assert digest == read_windows(words_folder, lines, 'train').digest()
    other_image = [dict(lines[0], file=lines[1]['file']), *lines[1:]]
    other_caption = [dict(lines[0], caption='photo of a dent'), *lines[1:]]
    for changed in (other_image, other_caption):
        assert read_windows(words_folder, changed, 'train').digest() != digest


def test_no_folder(tmp_path):
    with pytest.raises(UsageError, match=r'captions\.jsonl: no such file; make it with .* --words'):
        read_captions(tmp_path)


@pytest.mark.parametrize('text', ['{"file": 1', '[]', '{"file": "a.png", "split": "train"}'])
def test_a_line_that_cannot_be_read_is_named(folder, text):
    path = folder / 'captions.jsonl'
    path.write_text(path.read_text() + text + '\n')
    with pytest.raises(DataError, match=r'captions\.jsonl:17: '):
        read_captions(folder)


@pytest.mark.parametrize('values', [{'split': 'trian'}, {'caption': None}, {'file': 3}])
def test_a_value_of_the_wrong_kind_is_named(folder, values):
    write_line(folder, **values)
    with pytest.raises(
        DataError, match=r'captions\.jsonl:1: file and caption are texts, split is one of train, val'
    ):
        read_captions(folder)


def test_nothing_to_train_on(folder):
    write_line(folder, split='test')
    with pytest.raises(DataError, match='none of its 1 windows is of split train'):
        read_captions(folder)


def test_images_that_are_missing_or_of_other_sizes(folder):
    lines = read_captions(folder)
    Image.new('RGB', (64, 48)).save(folder / 'images/00003.png')
    with pytest.raises(DataError, match=r'00003\.png: 64 x 48 px, expected a square as the first, 64 x 64'):
        read_windows(folder, lines, 'train')
    (folder / 'images/00002.png').unlink()
    with pytest.raises(DataError, match=r'00002\.png: cannot be read'):
        read_windows(folder, lines, 'train')


def test_sides_that_the_networks_cannot_halve(tmp_path):
    root = make_windows(tmp_path, 3, size=40)
    with pytest.raises(DataError, match='40 x 40 px; the sides must be multiples of 16'):
        read_windows(root, read_captions(root), 'train')
