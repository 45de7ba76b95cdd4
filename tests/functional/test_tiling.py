"""Tiles cover, align, and fade into each other; where the network sees no border, nothing shows of them."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ext.functional.tiling import Span, blend_bands, equal_spans, feather, tile_spans

LENGTHS = st.integers(1, 3000)
SHAPES = st.tuples(st.integers(2, 12), st.integers(0, 6)).filter(lambda pair: 2 * pair[1] <= pair[0])


@pytest.mark.parametrize(
    ('length', 'expected'),
    [
        (100, [(0, 100)]),
        (256, [(0, 256)]),
        (257, [(0, 192), (128, 257)]),  # two of about equal size instead of a whole one and a strip
        (600, [(0, 256), (192, 448), (384, 600)]),
    ],
)
def test_spans_by_hand(length, expected):
    assert tile_spans(length, 256, 64) == expected


@settings(deadline=None)
@given(LENGTHS, SHAPES)
def test_spans_cover_everything_and_are_aligned(length, shape):
    tile, overlap = (32 * each for each in shape)
    spans = tile_spans(length, tile, overlap)
    assert spans[0].start == 0
    assert spans[-1].stop == length
    for one, other in pairwise(spans):
        assert one.stop - other.start == overlap
        assert other.start % 32 == one.stop % 32 == 0
    assert all(0 < span.stop - span.start <= tile for span in spans)
    assert len(spans) == max(1, int(np.ceil((length - overlap) / (tile - overlap))))


@settings(deadline=None)
@given(LENGTHS, SHAPES)
def test_weights_sum_to_one_and_vanish_at_inner_borders(length, shape):
    tile, overlap = (32 * each for each in shape)
    spans = tile_spans(length, tile, overlap)
    total = torch.zeros(length)
    for index, (start, stop) in enumerate(spans):
        weight = feather(spans, index)
        total[start:stop] += weight
        assert 0 <= weight.min() <= weight.max() <= 1
        assert not index or not weight[: overlap // 4].any()
        assert index + 1 == len(spans) or not weight[len(weight) - overlap // 4 :].any()
    torch.testing.assert_close(total, torch.ones(length), atol=2e-7, rtol=0)


@pytest.mark.parametrize(
    ('length', 'count', 'overlap', 'expected'),
    [
        (100, 1, 0.0, [(0, 100)]),
        (100, 3, 0.0, [(0, 34), (33, 67), (66, 100)]),
        (1024, 2, 0.25, [(0, 586), (438, 1024)]),  # 1024 / 1.75 = 585.1
        (20, 4, 0.25, [(0, 12), (8, 20)]),  # too short for four
    ],
)
def test_equal_spans_by_hand(length, count, overlap, expected):
    assert equal_spans(length, count, overlap) == expected


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 20), st.sampled_from([0.0, 0.1, 0.25]))
def test_equal_spans_cover_everything_and_blend(length, count, overlap):
    spans = equal_spans(length, count, overlap)
    assert (spans[0].start, spans[-1].stop) == (0, length)
    assert len({span.stop - span.start for span in spans}) == 1
    assert all(one.start < other.start <= one.stop for one, other in pairwise(spans))
    assert all(one.stop <= other.start for one, other in zip(spans, spans[2:], strict=False))
    total = torch.zeros(length)
    for index, (start, stop) in enumerate(spans):
        total[start:stop] += feather(spans, index)
    torch.testing.assert_close(total, torch.ones(length), atol=2e-7, rtol=0)


@pytest.mark.parametrize('wrong', [(100, 0, 0.0), (100, 2, 0.3), (100, 2, -0.1)])
def test_equal_spans_refuse(wrong):
    with pytest.raises(ValueError, match='expected 1 or more'):
        equal_spans(*wrong)


def test_a_fade_by_hand():
    first, second = feather([Span(0, 12), Span(4, 20)], 0), feather([Span(0, 12), Span(4, 20)], 1)
    assert first.tolist() == [1] * 6 + [0.875, 0.625, 0.375, 0.125] + [0] * 2
    assert second.tolist() == [0] * 2 + [0.125, 0.375, 0.625, 0.875] + [1] * 10


def test_wrong_measures_are_refused():
    for tile, overlap, said in (
        (100, 32, 'multiples'),
        (128, 40, 'multiples'),
        (0, 0, 'multiples'),
        (128, 96, 'half'),
    ):
        with pytest.raises(ValueError, match=said):
            tile_spans(500, tile, overlap)


def convolved(image: torch.Tensor) -> torch.Tensor:
    """A stand-in for a network: stride 4, then 5 x 5 with borders of zeros, and back; feels a border 11 px far."""
    kernels = torch.randn(3, 2, 5, 5, generator=torch.Generator().manual_seed(1))
    small = torch.nn.functional.avg_pool2d(image[None], 4)
    small = torch.nn.functional.conv2d(small, kernels, padding=2)
    return torch.nn.functional.interpolate(small, scale_factor=4, mode='bilinear')[0]


@pytest.mark.parametrize('size', [(200, 300), (64, 500), (420, 64), (64, 64)])
def test_tiles_of_a_convolution_are_the_whole(size):
    image = torch.randn(2, *size, generator=torch.Generator().manual_seed(0))
    rows, columns = (tile_spans(length, 128, 64) for length in size)
    seen = []

    def tile(row: Span, column: Span) -> torch.Tensor:
        seen.append((row, column))
        return convolved(image[:, row.start : row.stop, column.start : column.stop])

    bands = [(top, band.clone()) for top, band in blend_bands(tile, rows, columns)]
    assert len(seen) == len(rows) * len(columns)
    assert [top for top, _ in bands] == [0, *np.cumsum([band.shape[1] for _, band in bands])[:-1]]
    torch.testing.assert_close(torch.cat([band for _, band in bands], 1), convolved(image), atol=1e-5, rtol=0)


def test_too_small_an_overlap_is_felt():
    image = torch.randn(2, 256, 256, generator=torch.Generator().manual_seed(0))
    spans = tile_spans(256, 128, 0)
    tiles = blend_bands(lambda rows, columns: convolved(image[:, slice(*rows), slice(*columns)]), spans, spans)
    whole = torch.cat([band.clone() for _, band in tiles], 1)
    difference = (whole - convolved(image)).abs()
    assert difference.max() > 0.1
    assert difference[:, 12:116, 12:116].max() < 1e-5  # inside a tile nothing differs all the same


def test_bands_hold_one_row_of_tiles():
    rows, columns = tile_spans(1000, 128, 64), tile_spans(96, 128, 64)
    ones = blend_bands(lambda r, c: torch.ones(1, r.stop - r.start, c.stop - c.start), rows, columns)
    for _, band in ones:
        assert band.shape[1] <= 128
        torch.testing.assert_close(band, torch.ones_like(band), atol=2e-7, rtol=0)
