"""MinMaxImage: the full range, by hand, for any number type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from mmseg_ext.datasets.transforms import MinMaxImage


def stretched(image: np.ndarray) -> np.ndarray:
    return MinMaxImage().transform({'img': image})['img']


def test_by_hand():
    image = np.array([[[10, 20, 30]], [[60, 35, 110]]], np.uint8)
    assert stretched(image).tolist() == [[[0.0, 25.5, 51.0]], [[127.5, 63.75, 255.0]]]
    assert stretched(image).dtype == np.float32


def test_as_the_source_after_mean_and_deviation():
    """0..1 normalised by .535 and .135 is -3.963..3.444."""
    ends = (stretched(np.array([[[7, 7, 9]]], np.uint8)) - 136.425) / 34.425
    assert [ends.min(), ends.max()] == pytest.approx([-3.963, 3.444], abs=5e-4)


@given(arrays.arrays(np.uint8, (3, 4, 3)))
def test_keeps_the_order_and_fills_the_range(image):
    result = stretched(image)
    if image.min() == image.max():
        assert not result.any()
        return
    assert (result.min(), result.max()) == (0, pytest.approx(255))
    assert (np.diff(result.ravel()[np.argsort(image.ravel(), kind='stable')]) >= 0).all()


def test_the_given_image_stays():
    image = np.array([[[1, 2, 3]]], np.uint8)
    stretched(image)
    assert image.tolist() == [[[1, 2, 3]]]
