"""Thinning against scikit-image, and what its users rely on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.morphology import skeletonize
from skimage.morphology import thin as oracle

from mmseg_ext.functional.components import EIGHT_NEIGHBOURS
from mmseg_ext.functional.thinning import thin

MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(MASKS)
@settings(max_examples=200, deadline=None)
def test_the_same_lines_as_scikit_image(mask):
    before = mask.copy()
    np.testing.assert_array_equal(thin(mask), oracle(mask))
    np.testing.assert_array_equal(mask, before)


@pytest.mark.parametrize('seed', range(6))
def test_blobs_with_holes_as_scikit_image(seed):
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.random((90, 70)), 1 + seed) > 0.5
    for view in (mask, mask.T, mask[::-1], mask[:, ::2]):  # views that are not in one piece too
        np.testing.assert_array_equal(thin(view), oracle(np.ascontiguousarray(view)))


@given(MASKS)
@settings(max_examples=100, deadline=None)
def test_as_many_regions_and_holes_as_the_mask(mask):
    line = thin(mask)
    assert not (line & ~mask).any()
    for keep, structure in ((np.array, EIGHT_NEIGHBOURS), (np.logical_not, None)):
        before, after = (ndimage.label(keep(np.pad(each, 1)), structure)[1] for each in (mask, line))
        assert before == after


def test_an_empty_mask():
    assert thin(np.zeros((0, 0), bool)).shape == (0, 0)
    assert not thin(np.zeros((3, 4), bool)).any()


@pytest.mark.parametrize('diagonals', [4, 8])
def test_a_diagonal_bar_keeps_its_length(diagonals):
    """Why it is not scikit-image's ``skeletonize``, which eats such a bar from its ends."""
    rows, columns = np.mgrid[:80, :80]
    bar = (np.abs(2 * (rows - columns) - 1) < diagonals) & (np.abs(rows + columns - 79) < 60)
    assert 56 <= thin(bar).sum() <= 60
    assert skeletonize(bar).sum() == 1
