"""What an edit costs, in rows that go through the UNet, counted there."""

import pytest
import torch
from tiny_edits import counted_rows, edit_settings, photographs

from augment.editing.editor import Editor
from augment.editing.runtime import Runtime
from augment.inversion.result import Inversion
from augment.sdxl.conditioning import encode

STEPS = 50


@pytest.fixture(scope='module')
def inversion(pipe):
    """A path of 50 steps that nobody had to compute."""
    cond = encode(pipe, ['photo of a crack'])
    path = torch.randn(STEPS + 1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    return Inversion(path, cond, cond, 'npi')


def rows(pipe, inverted, words, runtime=None, images=1, **changes):
    editor = Editor(pipe, edit_settings(steps=STEPS, **changes), runtime)
    with counted_rows(pipe.unet) as counted:
        editor.edit([inverted] * images, words, photographs(images)[1])
    return counted


def test_each_further_word_costs_a_hundred_rows(pipe, inversion):
    one, three = (sum(rows(pipe, inversion, words)) for words in (['rust'], ['rust', 'peeling', 'dent']))
    assert one == 2 * STEPS + 20  # the source only in the 20 steps in which its attention is read
    assert three == one + 2 * 100


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({'control': {'cross_window': 0.0, 'self_window': 0.0}}, 100),
        ({'control': {'cross_window': 0.0, 'self_window': 0.3}}, 100 + 15),
        ({'inversion': {'pin_source': False}}, 200),
        ({'method': 'ddim'}, 200),
        ({'blend': {'by': 'attention'}}, 100 + 20),
    ],
    ids=['no windows', 'self alone', 'not pinned', 'ddim', 'by attention'],
)
def test_source_rows_are_computed_while_they_are_read(pipe, inversion, changes, expected):
    if changes.get('method') == 'ddim':
        inversion = Inversion(inversion.pivots, inversion.cond, encode(pipe, ['']), 'ddim')
    assert sum(rows(pipe, inversion, ['rust'], **changes)) == expected


def test_all_words_and_images_of_a_batch_share_calls(pipe, inversion):
    counted = rows(pipe, inversion, ['rust', 'dent'], Runtime(batch=2), images=2)
    assert counted == [2 * (2 * 2 + 1)] * 20 + [2 * 2 * 2] * 30


def test_split_guidance_holds_two_rows_at_most(pipe, inversion):
    counted = rows(pipe, inversion, ['rust', 'dent'], Runtime(batch=2, split_guidance=True))
    assert max(counted) == 2
    assert sum(counted) == 2 * (100 + 20)
