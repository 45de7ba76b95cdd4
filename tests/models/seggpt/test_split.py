"""How closely SegGPT looks: tiles of photographs, and which of a prompt are shown."""

import pytest
import torch
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.models.seggpt.split import Split, Tile

SIZE = 64, 80


def prompt(*marked: tuple[int, int]) -> Tile:
    """An image whose pixels are their own numbers, and a label with some pixels marked."""
    label = torch.zeros(SIZE, dtype=torch.uint8)
    for place in marked:
        label[place] = 1
    numbers = torch.arange(64 * 80).view(SIZE)
    return Tile(numbers.expand(3, -1, -1), label)


def starts(tiles: list[Tile]) -> list[int]:
    """The number of the first pixel of each tile."""
    return [int(tile.image[0, 0, 0]) for tile in tiles]


def test_tiles_of_a_prompt_row_by_row():
    tiles = Split(2).tiles(prompt())
    assert [tuple(tile.label.shape) for tile in tiles] == [(32, 40)] * 4
    assert starts(tiles) == [0, 40, 32 * 80, 32 * 80 + 40]
    assert [tuple(tile.label.shape) for tile in Split(2, stitch=True).tiles(prompt())] == [(37, 46)] * 4
    assert starts(Split(2, prompt_tiles='whole').tiles(prompt())) == starts(Split().tiles(prompt())) == [0]


def test_what_is_shown_of_a_prompt():
    marked = prompt((40, 41))
    assert starts(Split(2).shown(marked, 32)) == [32 * 80 + 40]
    assert len(Split(2, prompt_tiles='all').shown(marked, 32)) == 4
    assert len(Split(2, prompt_tiles='whole').shown(marked, 64)) == 1


def test_a_tile_whose_defect_vanishes_is_better_than_one_without():
    marked = prompt((0, 0))  # at 16 px the network looks at pixel 1 of the rows and 1 of the columns
    assert not Split(2).tiles(marked)[0].visible(16)
    assert starts(Split(2).shown(marked, 16)) == [0]
    assert len(Split(2).shown(prompt(), 16)) == 4


def test_ignored_pixels_show_nothing():
    label = torch.full(SIZE, 255, dtype=torch.uint8)
    assert not Tile(torch.zeros(3, *SIZE), label).visible(16)


@pytest.mark.parametrize('split', [Split(2), Split(3, stitch=True), Split()], ids=str)
def test_what_is_said_of_each_pixel_is_what_comes_out(split):
    image, seen = torch.rand(3, *SIZE), []

    def logits(tile: Tensor) -> Tensor:
        seen.append(tuple(tile.shape))
        return 2 * tile[:2] - 1

    torch.testing.assert_close(split.blended(logits, image), 2 * image[:2] - 1)
    assert len(seen) == split.count**2


def test_what_a_config_says():
    assert Split.of({}) == Split()
    said = dict(split=3, stitch=True, prompt_tiles='all', gate=None)
    assert Split.of(said) == Split(3, True, 'all')


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(count=0), 'split 0: expected the number of tiles'),
        (dict(count=1.5), 'split 1.5: expected the number of tiles'),
        (dict(stitch=True), 'stitch: there is one tile'),
        (dict(prompt_tiles='some'), "prompt_tiles 'some': expected one of defect, all, whole"),
    ],
)
def test_values_that_do_not_go_together(options, said):
    with pytest.raises(UsageError, match=said):
        Split(**options)
