"""Regions drawn by hand, and against labelling with scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from mmseg_ext.functional.regions import measure_regions


def drawn(text: str) -> np.ndarray:
    return np.array([[int(pixel) if pixel != '.' else 0 for pixel in row] for row in text.split()], np.uint8)


def test_measures_by_hand():
    mask = drawn('.11..2 .1...2 1..22.')
    regions = measure_regions(mask)
    assert regions.label.tolist() == [1, 2]
    assert regions.area.tolist() == [4, 4]
    assert regions.box.tolist() == [[0, 0, 3, 3], [3, 0, 3, 3]]
    assert regions.centre.tolist() == [[1.0, 0.75], [(5 + 5 + 3 + 4) / 4, (0 + 1 + 2 + 2) / 4]]


def test_scores_belong_to_the_pixels_row_by_row():
    regions = measure_regions(drawn('1.2 1.. .22'), np.array([0.2, 0.9, 0.4, 0.5, 0.7]))
    assert regions.label.tolist() == [1, 2, 2]
    assert regions.score == pytest.approx([0.3, 0.9, 0.6])


@pytest.mark.parametrize(
    ('text', 'areas'),
    [
        ('... ...', []),
        ('11 11', [4]),
        ('1.1 .1. 1.1', [5]),  # touching at corners is one region
        ('1..1 1..1', [2, 2]),  # the end of a row does not touch the beginning of the next
        ('..1 1..', [1, 1]),
        ('12 21', [2, 2]),  # classes may cross
        ('1.1.1 11111', [8]),  # runs that meet below are one
        ('111', [3]),
        ('1 . 1', [1, 1]),
    ],
)
def test_what_is_one_region(text, areas):
    assert measure_regions(drawn(text)).area.tolist() == areas


def test_scores_have_to_fit():
    with pytest.raises(ValueError, match='2 scores for 3 pixels'):
        measure_regions(drawn('111'), np.zeros(2))
    assert np.isnan(measure_regions(drawn('1.1')).score).all()


MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.sampled_from([0, 0, 1, 2]))


@settings(deadline=None, max_examples=200)
@given(MASKS, st.integers(0, 99))
def test_equals_labelling(mask, seed):
    dense = np.random.default_rng(seed).random(mask.shape)
    expected = []
    for value in (1, 2):
        ids = ndimage.label(mask == value, np.ones((3, 3)))[0]
        for index, (rows, columns) in enumerate(ndimage.find_objects(ids), 1):
            y, x = np.nonzero(ids == index)
            box = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
            expected.append((value, len(y), *box, x.mean(), y.mean(), dense[ids == index].mean()))
    regions = measure_regions(mask, dense[mask > 0])
    found = [(label, area, *box, *centre, score) for label, area, box, centre, score in zip(*regions, strict=True)]
    assert len(found) == len(expected)
    if found:
        np.testing.assert_allclose(sorted(found), sorted(expected), atol=1e-9)
