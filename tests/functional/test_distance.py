"""Distances between pixels, against SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_edt

from mmseg_ext.functional.distance import distance_to

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.booleans())


@given(MASKS)
def test_distances_are_those_of_scipy(mask):
    mask.flat[0] = True
    found = distance_to(mask)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, distance_transform_edt(~mask).astype(np.float32))


@pytest.mark.parametrize('share', [1e-4, 0.01, 0.4])
def test_a_large_map_is_exact_too(share):
    mask = np.random.default_rng(0).random((600, 1500)) < share
    np.testing.assert_array_equal(distance_to(mask), distance_transform_edt(~mask).astype(np.float32))


def test_pixels_equally_far_are_equal():
    mask = np.zeros((21, 21), bool)
    mask[10, 10] = True
    found = distance_to(mask)
    assert found[10, 15] == found[5, 10] == found[13, 14] == found[6, 7] == 5


def test_without_a_pixel_nothing_is_near():
    assert np.isinf(distance_to(np.zeros((2, 3), bool))).all()


def test_a_full_mask_is_0_away_and_stays_as_it_is():
    mask = np.ones((2, 3), bool)
    assert not distance_to(mask).any()
    assert mask.all()
