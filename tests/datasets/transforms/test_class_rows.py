"""ClassRows against the plain search through the whole mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mmseg_ext.datasets.transforms.class_rows import ClassRows, values_of

MASKS = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from([0, 0, 0, 1, 7, 255])
)


@given(MASKS)
def test_pixel_number_k_is_the_kth_of_the_class_in_reading_order(mask):
    rows = ClassRows.of(mask)
    assert rows.values.tolist() == np.unique(mask).tolist()
    for value in rows.values:
        places = np.argwhere(mask == value)
        assert rows.count(value) == len(places)
        assert [rows.pixel(value, k) for k in range(len(places))] == [tuple(place) for place in places]


@pytest.mark.parametrize('dtype', [np.int64, np.int16, np.uint8])
def test_any_integers_and_negative_ones(dtype):
    mask = np.array([[0, 0, 3], [0, 0, 0], [9, 3, 0]], dtype)
    if dtype != np.uint8:
        mask[1, 1] = -2
    rows = ClassRows.of(mask)
    assert rows.values.tolist() == np.unique(mask).tolist()
    assert rows.pixel(3, 1) == (2, 1)
    assert rows.count(0) == (mask == 0).sum()


def test_it_is_small_and_only_one_row_is_looked_at():
    mask = np.zeros((400, 4000), np.uint8)
    mask[100:110, 50:60] = 1
    rows = ClassRows.of(mask)
    assert rows.ends.nbytes == 2 * 400 * 4
    other = np.ones_like(mask)
    other[105] = mask[105]
    assert ClassRows(other, rows.values, rows.ends).pixel(1, 53) == (105, 53)


def test_values_of_eight_bits_are_those_of_numpy():
    mask = np.random.default_rng(0).choice([3, 200, 255], (20, 30)).astype(np.uint8)
    assert np.array_equal(values_of(mask), np.unique(mask))
    assert values_of(mask).dtype == np.uint8
