"""The folder of a set of edits: originals that come in, edits that go out again."""

from pathlib import Path

import numpy as np
import pytest

from augment.dataset.outset import OutSet, write_png
from augment.dataset.source import Item


def original(root: Path) -> Item:
    """A photograph with its label in a set of its own."""
    root.mkdir()
    for name in ('tile_image.png', 'tile_label.png'):
        write_png(root / name, np.arange(12, dtype=np.uint8).reshape(3, 4))
    return Item('tile', root / 'tile_image.png', root / 'tile_label.png')


def test_painting_over_a_label_does_not_reach_the_set_it_comes_from(tmp_path):
    item, out = original(tmp_path / 'from'), OutSet(tmp_path / 'out')
    before = item.label.read_bytes()
    out.add_original(item)
    copied = tmp_path / 'out/ann_dir/train/tile.png'
    assert copied.read_bytes() == before
    copied.write_bytes(b'painted over')  # in place, as many programs save
    assert item.label.read_bytes() == before


def test_an_original_that_is_there_is_left(tmp_path):
    item, out = original(tmp_path / 'from'), OutSet(tmp_path / 'out')
    out.add_original(item)
    (tmp_path / 'out/ann_dir/train/tile.png').write_bytes(b'corrected')
    out.add_original(item)
    assert (tmp_path / 'out/ann_dir/train/tile.png').read_bytes() == b'corrected'


@pytest.mark.parametrize(
    'place',
    [
        'img_dir/train/{}.png',
        'ann_dir/train/{}.png',
        'quarantine/seam/{}.png',
        'quarantine/seam/ann_dir/{}.png',
        'masks/{}.png',
        'review/images/{}.png',
        'review/masks/{}.png',
        'review/overlays/{}.png',
        'review/labelme/{}.json',
        'review/coco/{}.json',
    ],
)
def test_nothing_is_left_of_an_edit_that_is_made_anew(tmp_path, place):
    gone, kept = (tmp_path / place.format(name) for name in ('tile__rust', 'tile__rust_too'))
    gone.parent.mkdir(parents=True)
    gone.touch()
    kept.touch()
    OutSet(tmp_path).remove_edit('tile__rust')
    assert (gone.exists(), kept.exists()) == (False, True)
