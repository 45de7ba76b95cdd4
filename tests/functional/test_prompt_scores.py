"""Scores of prompted answers: by hand, against a loop, and at the edges where nothing is defined."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ext.functional.prompt_scores import (
    RESPONSE_THRESHOLD,
    catch_rate,
    mask_iou,
    mean_known,
    packed_iou,
    packed_mask,
    response_rate,
    yield_curve,
    yield_rate,
)

masks = (
    st.integers(1, 9)
    .flatmap(
        lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=9)
    )
    .map(lambda rows: np.array(rows, bool))
)
shares = st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=30)


def test_a_response_in_pixels_of_the_source():
    """0.000239 of 1024 x 1024 is 250.6 pixels: 250 are quiet, 251 are not."""
    assert round(RESPONSE_THRESHOLD * 1024**2, 1) == 250.6
    valid = np.ones((1024, 1024), bool)
    for pixels, quiet in ((250, 1.0), (251, 0.0)):
        answer = np.zeros((1024, 1024), bool)
        answer.flat[:pixels] = True
        assert yield_rate([response_rate(answer, valid)]) == quiet


def test_the_response_must_lie_below_the_threshold_and_the_iou_may_be_it():
    assert yield_rate([0.25, 0.2], 0.25) == 0.5
    assert catch_rate([0.3, 0.29], 0.3) == 0.5


def test_pixels_that_are_not_valid_are_in_no_count():
    one, other = np.array([[1, 1, 1, 0]], bool), np.array([[1, 0, 1, 0]], bool)
    everything, half = np.ones((1, 4), bool), np.array([[1, 1, 0, 0]], bool)
    assert (mask_iou(one, other, everything), mask_iou(one, other, half)) == (2 / 3, 1 / 2)
    assert (response_rate(one, everything), response_rate(one, half)) == (0.75, 1.0)


def test_nothing_to_measure_is_nan():
    empty, none = np.zeros((2, 3), bool), np.zeros((2, 3), bool)
    assert math.isnan(mask_iou(empty, empty, ~none))
    assert math.isnan(response_rate(~empty, none))
    for score in (catch_rate, yield_rate, mean_known):
        assert math.isnan(score([]))
        assert math.isnan(score([math.nan]))
    assert np.isnan(yield_curve([], [0.1, 0.2])).all()


def test_what_is_undefined_is_left_out():
    assert catch_rate([math.nan, 0.5, 0.1]) == 0.5
    assert yield_rate([math.nan, 0.0, 1.0]) == 0.5
    assert mean_known([math.nan, 0.2, 0.4]) == pytest.approx(0.3)


@given(shares, st.lists(st.floats(0.001, 1), min_size=1, max_size=9))
def test_the_curve_is_a_loop_over_thresholds(rates, thresholds):
    known = [rate for rate in rates if not math.isnan(rate)]
    naive = [
        sum(rate < threshold for rate in known) / len(known) if known else math.nan for threshold in thresholds
    ]
    np.testing.assert_array_equal(yield_curve(rates, thresholds), naive)


@given(masks, st.randoms(use_true_random=False))
def test_packed_masks_have_the_iou_of_the_masks(one, random):
    other = np.array([[random.random() < 0.5 for _ in row] for row in one])
    expected = mask_iou(one, other, np.ones(one.shape, bool))
    found = packed_iou(packed_mask(one), packed_mask(other))
    assert found == (1 if math.isnan(expected) else expected)
    assert packed_iou(packed_mask(one), packed_mask(one)) == 1


def test_a_small_defect_takes_little_room():
    mask = np.zeros((1024, 1024), bool)
    mask[100:130, 200:290] = True
    assert len(packed_mask(mask)) < 2000
