"""Edit regions and their feathers, by hand and against every pixel's distance."""

import numpy as np
import pytest
from defect_labels import label_with, labels
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.config.settings import BlendSettings
from augment.regions.region import defects, edit_region, feather, permitted


def distances(region: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the nearest one of ``region`` by trying all; infinite where there is none."""
    places = np.argwhere(region)
    rows, columns = np.indices(region.shape)
    squares = (rows[..., None] - places[:, 0]) ** 2 + (columns[..., None] - places[:, 1]) ** 2
    return np.sqrt(squares.min(axis=-1, initial=np.iinfo(int).max).astype(float))


def test_a_halo_is_a_disc():
    expected = [
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
    ]
    np.testing.assert_array_equal(edit_region(label_with((5, 5), (2, 2, 1, 1)), 2), np.array(expected, bool))


def test_ignored_pixels_have_no_halo_but_may_lie_in_one():
    label = label_with((1, 9), (0, 0, 1, 1)) + label_with((1, 9), (0, 1, 1, 8), value=255)
    assert edit_region(label, 2).tolist() == [[True] * 3 + [False] * 6]
    assert defects(label).tolist() == [[True] + [False] * 8]


def test_no_defect_has_no_region():
    assert not edit_region(label_with((4, 4), (0, 0, 4, 4), value=255), 9).any()


@settings(deadline=None)
@given(labels(longest=30), st.integers(0, 12))
def test_the_region_is_what_lies_within_the_halo(label, halo):
    np.testing.assert_array_equal(edit_region(label, halo), distances(defects(label)) <= halo)


def test_feather_by_hand():
    region = np.array([[0, 1, 1, 1, 1, 1, 1, 0]], bool)
    np.testing.assert_allclose(feather(region, 3), [[0, 1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3, 0]], rtol=1e-6)
    np.testing.assert_array_equal(feather(region, 1), region)
    np.testing.assert_array_equal(feather(region, 0), region)
    # the frame of the photograph is no border
    np.testing.assert_allclose(feather(region[:, 2:], 3), [[1, 1, 1, 2 / 3, 1 / 3, 0]], rtol=1e-6)
    np.testing.assert_array_equal(feather(np.ones((3, 4), bool), 6), np.ones((3, 4)))


@settings(deadline=None)
@given(labels(longest=30), st.integers(0, 8), st.integers(0, 8))
def test_feather_is_a_ramp_that_leaves_the_defects_whole(label, halo, pixels):
    region = edit_region(label, halo)
    weight = feather(region, pixels)
    assert weight.dtype == np.float32
    np.testing.assert_array_equal(weight > 0, region)
    depth = distances(~region)
    np.testing.assert_allclose(weight, np.clip(depth / max(pixels, 1), 0, 1) * region, rtol=1e-6)
    if pixels <= halo:
        assert (weight[defects(label)] == 1).all()


SHOWN = np.array([[1, 1, 1, 1, 0, 0]], bool)
LABELLED = np.array([[1, 1, 0, 0, 0, 0]], bool)
ATTENTION = np.array([[0, 1, 1, 0, 1, 0]], bool)


@pytest.mark.parametrize(
    ('by', 'expected'),
    [
        ('label', [1, 1, 0, 0, 0, 0]),
        ('attention', [0, 1, 1, 0, 0, 0]),
        ('label+attention', [1, 1, 1, 0, 0, 0]),
        ('none', [1, 1, 1, 1, 0, 0]),
    ],
)
def test_what_may_change(by, expected):
    np.testing.assert_array_equal(permitted(BlendSettings(by=by), SHOWN, LABELLED, ATTENTION), [expected])
    whole = permitted(BlendSettings(by=by, composite=False), SHOWN, LABELLED, ATTENTION)
    np.testing.assert_array_equal(whole, SHOWN)
