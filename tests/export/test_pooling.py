"""Pooling by matrices is torch's adaptive pooling, for every size, and only where it was asked for."""

import contextlib

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmseg_ext.export.pooling import adaptive_avg_pool2d, exportable_pooling, window_averages

SIDES, BINS = st.integers(1, 40), st.integers(1, 13)
ORIGINAL = F.adaptive_avg_pool2d


def test_windows_of_five_pixels_in_three_bins_by_hand():
    # floor(5i/3) .. ceil(5(i+1)/3): 0..2, 1..4, 3..5
    expected = [[1 / 2, 1 / 2, 0, 0, 0], [0, 1 / 3, 1 / 3, 1 / 3, 0], [0, 0, 0, 1 / 2, 1 / 2]]
    torch.testing.assert_close(window_averages(5, 3, torch.zeros(1)), torch.tensor(expected))


@settings(max_examples=200, deadline=None)
@given(height=SIDES, width=SIDES, rows=BINS, columns=BINS, batch=st.booleans())
def test_equals_torch_for_every_size(height, width, rows, columns, batch):
    image = torch.rand((2, 3, height, width) if batch else (3, height, width), dtype=torch.double)
    expected = ORIGINAL(image, (rows, columns))
    torch.testing.assert_close(adaptive_avg_pool2d(image, (rows, columns)), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize('size', [1, 3, (None, 2), (4, None), None])
def test_every_way_to_state_a_size(size):
    image = torch.rand(1, 2, 7, 9)
    ours = adaptive_avg_pool2d(image, size)
    torch.testing.assert_close(ours, ORIGINAL(image, size if size else (7, 9)))
    assert ours.dtype == torch.float32


def test_modules_use_it_within_the_block_alone():
    pool, image = nn.AdaptiveAvgPool2d(3), torch.rand(1, 1, 5, 5, requires_grad=True)
    with contextlib.suppress(RuntimeError), exportable_pooling():
        inside = type(pool(image).grad_fn).__name__
        raise RuntimeError
    assert 'AdaptiveAvgPool' not in inside
    assert 'AdaptiveAvgPool' in type(pool(image).grad_fn).__name__
    assert F.adaptive_avg_pool2d is ORIGINAL
