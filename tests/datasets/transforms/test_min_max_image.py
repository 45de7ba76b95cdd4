"""MinMaxImage: the full range, by hand and against the formula in floats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from mmseg_ext.datasets.transforms import MinMaxImage


def stretched(image: np.ndarray) -> np.ndarray:
    return MinMaxImage().transform({'img': image})['img']


def test_by_hand():
    image = np.array([[[10, 20, 30]], [[60, 35, 110]]], np.uint8)
    # 2.55 for each step: 25.5, a half, goes to the even neighbour.
    assert stretched(image).tolist() == [[[0, 26, 51]], [[128, 64, 255]]]
    assert stretched(image).dtype == np.uint8


def test_after_mean_and_deviation_of_the_crack_networks():
    """0..1 less .535 over .135 is -3.963..3.444."""
    ends = (stretched(np.array([[[7, 7, 9]]], np.uint8)).astype(float) - 136.425) / 34.425
    assert [ends.min(), ends.max()] == pytest.approx([-3.963, 3.444], abs=5e-4)


@given(arrays.arrays(np.uint8, (3, 4, 3)))
def test_against_the_formula(image):
    result = stretched(image)
    if image.min() == image.max():
        assert not result.any()
        return
    share = (image - image.min().astype(float)) / (image.max() - image.min().astype(float))
    assert np.abs(result - 255 * share).max() <= 0.5
    assert (result.min(), result.max()) == (0, 255)
    assert len(np.unique(result)) == len(np.unique(image))


def test_the_given_image_stays():
    image = np.array([[[1, 2, 3]]], np.uint8)
    stretched(image)
    assert image.tolist() == [[[1, 2, 3]]]


def test_floats_are_refused():
    with pytest.raises(TypeError, match='uint8 images, got float32'):
        stretched(np.zeros((2, 2, 3), np.float32))
