"""Putting edits back: exact at both ends, rounded between."""

import numpy as np
from defect_labels import noise
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.regions.composite import composite, pasted
from augment.regions.windows import Window


def test_mixture_by_hand():
    original, edited = np.full((1, 4, 3), 100, np.uint8), np.full((1, 4, 3), 203, np.uint8)
    edited[0, 3] = 0
    mixed = composite(original, edited, np.array([[0, 0.25, 1, 0.5]], np.float32))
    assert mixed[0, :, 0].tolist() == [100, 126, 203, 50]  # 100 + 103 / 4 = 125.75
    assert mixed.dtype == np.uint8


@settings(deadline=None)
@given(st.integers(0, 99), st.integers(1, 20), st.integers(1, 20))
def test_exact_where_the_weight_is_0_or_1_and_between_the_two_elsewhere(seed, height, width):
    original, edited = noise((height, width), seed), noise((height, width), seed + 1000)
    weight = np.random.default_rng(seed).choice(np.array([0, 1 / 6, 0.5, 5 / 6, 1], np.float32), (height, width))
    mixed = composite(original, edited, weight)
    np.testing.assert_array_equal(mixed[weight == 0], original[weight == 0])
    np.testing.assert_array_equal(mixed[weight == 1], edited[weight == 1])
    assert (mixed >= np.minimum(original, edited)).all()
    assert (mixed <= np.maximum(original, edited)).all()


def test_every_pair_of_values_is_exact_at_both_ends():
    first, second = (values.astype(np.uint8)[..., None].repeat(3, -1) for values in np.mgrid[:256, :256])
    np.testing.assert_array_equal(composite(first, second, np.zeros((256, 256), np.float32)), first)
    np.testing.assert_array_equal(composite(first, second, np.ones((256, 256), np.float32)), second)


def test_pasting_leaves_the_rest_and_its_argument():
    photograph = noise((10, 12))
    kept = photograph.copy()
    result = pasted(
        photograph, [(Window(1, 2, 3, 4), np.zeros((3, 4, 3), np.uint8), None), (Window(8, 0, 1, 1), 7, None)]
    )
    np.testing.assert_array_equal(photograph, kept)
    assert (result[1:4, 2:6] == 0).all()
    assert (result[8, 0] == 7).all()
    changed = (result != photograph).any(-1)
    changed[1:4, 2:6] = changed[8, 0] = False
    assert not changed.any()
