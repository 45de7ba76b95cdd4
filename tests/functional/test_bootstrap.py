"""Intervals: by hand, against scipy, and how often they hold the truth."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from mmseg_ext.functional.bootstrap import (
    combined_interval,
    defect_scores,
    expanded_level,
    percentile_interval,
    resample_weights,
    resampled_scores,
    welch_interval,
)

# Two images, background and two classes: (correct, labelled, predicted). Only the second image holds class 2.
FIRST = [[90, 95, 92], [3, 5, 8], [0, 0, 0]]
SECOND = [[80, 84, 88], [6, 10, 6], [2, 6, 6]]
COUNTS = np.array([FIRST, SECOND])


def test_scores_by_hand():
    # class 1: 9 / (15 + 14 - 9), 9 / 15; class 2: 2 / (6 + 6 - 2), 2 / 6
    expected = [[45.0, 60.0], [20.0, 100 / 3], [32.5, 140 / 3]]
    np.testing.assert_allclose(defect_scores(COUNTS.sum(0)), expected)


def test_what_is_undefined_is_left_out_of_the_mean():
    scores = defect_scores(np.array([[9, 9, 9], [0, 0, 4], [0, 0, 0]]))
    np.testing.assert_equal(scores, [[0, np.nan], [np.nan, np.nan], [0, np.nan]])


def test_resamples_by_hand():
    weights = np.array([[1, 1], [2, 0], [0, 2]])
    scores = resampled_scores(COUNTS[None], weights)
    np.testing.assert_allclose(scores[0], defect_scores(COUNTS.sum(0)))
    # Twice the first image: class 2 is lost, the mean is that of class 1.
    np.testing.assert_allclose(scores[1], [[30, 60], [np.nan, np.nan], [30, 60]])
    np.testing.assert_allclose(scores[2], [[60, 60], [20, 100 / 3], [40, 140 / 3]])


def test_a_false_pixel_of_a_lost_class_is_no_score():
    wrong = np.array([[*FIRST[:2], [0, 0, 1]], SECOND])
    scores = resampled_scores(wrong[None], np.array([[2.0, 0.0]]))
    np.testing.assert_allclose(scores[0], [[30, 60], [np.nan, np.nan], [30, 60]])


def test_a_class_that_no_image_holds_keeps_the_score_of_the_metric():
    counts = np.array([[[9, 9, 9], [0, 0, 1]]])
    np.testing.assert_equal(resampled_scores(counts[None], np.ones((1, 1))), [[[0, np.nan], [0, np.nan]]])


def test_trainings_are_scored_one_by_one_and_averaged():
    counts = np.stack([COUNTS, COUNTS * [1, 1, 2], np.minimum(COUNTS, [80, 100, 50])])
    weights = resample_weights(2, 20)
    alone = [resampled_scores(one[None], weights) for one in counts]
    np.testing.assert_allclose(resampled_scores(counts, weights), np.mean(alone, 0))


@given(st.integers(1, 50), st.integers(0, 99))
def test_a_resample_is_as_large_as_the_test_set(images, seed):
    weights = resample_weights(images, 10, seed)
    assert (weights.sum(1) == images).all()
    np.testing.assert_array_equal(weights, resample_weights(images, 10, seed))


def test_percentiles_are_those_of_numpy():
    values = np.random.default_rng(0).normal(size=(301, 2, 3))
    values[::7, 0, 0] = np.nan
    values[:, 1, 1] = np.nan
    for level in (0.9, 0.95, 1.0):
        tails = [50 - 50 * level, 50 + 50 * level]
        with pytest.warns(RuntimeWarning, match='All-NaN'):
            expected = np.nanpercentile(values, tails, axis=0)
        np.testing.assert_allclose(percentile_interval(values, level), expected)
    levels = np.array([[0.5, 0.9, 0.9], [0.9, 0.9, 0.9]])
    mixed = percentile_interval(values, levels)
    np.testing.assert_allclose(mixed[:, 0, 0], percentile_interval(values, 0.5)[:, 0, 0])
    np.testing.assert_allclose(mixed[:, 0, 1], percentile_interval(values, 0.9)[:, 0, 1])


def test_paired_interval_is_that_of_scipy():
    """Images that all hold 100 pixels of one class: recall is a mean over images, which scipy can resample."""
    generator = np.random.default_rng(3)
    correct = generator.integers(20, 80, (2, 60))
    correct[1] = np.clip(correct[0] + generator.integers(-5, 15, 60), 0, 100)
    counts = np.full((2, 60, 2, 3), 100)
    counts[:, :, 1, 0] = correct
    weights = resample_weights(60, 20_000)
    resampled = [resampled_scores(one[None], weights) for one in counts]
    ours = percentile_interval(resampled[1] - resampled[0])[:, 0, 1]
    oracle = stats.bootstrap(
        (correct[1], correct[0]),
        lambda one, other, axis: one.mean(axis) - other.mean(axis),
        paired=True,
        method='percentile',
        n_resamples=20_000,
        rng=1,
    ).confidence_interval
    np.testing.assert_allclose(ours, [oracle.low, oracle.high], atol=0.06)
    unpaired = stats.sem(correct[0]) + stats.sem(correct[1])
    assert ours[1] - ours[0] < 2 * unpaired  # pairs say far more than two sets of images would


SAMPLES = st.lists(st.integers(0, 1000), min_size=2, max_size=6)


@pytest.mark.filterwarnings('ignore:Precision loss')  # scipy's, of a sample that does not vary
@given(SAMPLES, SAMPLES, st.sampled_from([0.8, 0.95]))
def test_welch_is_that_of_scipy(one, other, level):
    one, other = np.array(one) / 10, np.array(other) / 10
    assume(one.std() + other.std() > 0)
    oracle = stats.ttest_ind(one, other, equal_var=False).confidence_interval(level)
    np.testing.assert_allclose(welch_interval(one, other, level), oracle, rtol=1e-9, atol=1e-9)


def test_welch_without_an_interval():
    assert np.isnan(welch_interval(np.array([1.0]), np.array([1.0, 2.0]))).all()
    assert welch_interval(np.array([3.0, 3.0]), np.array([1.0, 1.0])) == (2.0, 2.0)


def test_noises_add_in_quadrature():
    assert combined_interval(1.0, (-2.0, 5.0), (-3.0, 4.0)) == (-4.0, 6.0)
    assert combined_interval(1.0, (1.0, 1.0), (-3.0, 4.0)) == (-3.0, 4.0)


def test_a_level_of_few_images_is_higher():
    # Twenty images: t of 19 at 97.5 % is 2.0930; times sqrt(20 / 19) 2.1474, which a normal exceeds in 1.588 %.
    np.testing.assert_allclose(expanded_level(np.array([20])), 1 - 2 * 0.01588, atol=1e-5)
    np.testing.assert_array_equal(expanded_level(np.array([0, 1])), 1)
    assert expanded_level(np.array(10**6)) == pytest.approx(0.95, abs=1e-5)


def _draw(generator: np.random.Generator, recall: tuple[float, float], images: int = 40) -> np.ndarray:
    """(2, N, 2, 3) counts of two networks on the same images, half of which hold a defect of any size."""
    size = (generator.random(images) < 0.5) * np.exp(generator.normal(5, 0.8, images)).astype(int)
    hard = generator.normal(0, 0.25, images)
    counts = np.full((2, images, 2, 3), 10_000)
    for one, share in zip(counts, recall, strict=True):
        correct = size * np.clip(share + hard + generator.normal(0, 0.1, images), 0, 1)
        one[:, 1, 0], one[:, 1, 1] = correct, size
        one[:, 1, 2] = one[:, 1, 0] + generator.poisson(8, images)
    return counts


def _difference(counts: np.ndarray) -> np.ndarray:
    one, other = defect_scores(counts.sum(1))
    return (one - other)[0]


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """300 test sets of 40 images: 95 % of the intervals hold the difference of an endless one, 88 % unexpanded."""
    generator = np.random.default_rng(0)
    truth = _difference(_draw(generator, (0.6, 0.5), 200_000))
    held = np.zeros(2)
    for trial in range(300):
        counts = _draw(generator, (0.6, 0.5))
        weights = resample_weights(40, 400, trial)
        one, other = (resampled_scores(each[None], weights) for each in counts)
        level = expanded_level((counts[0, :, 1, 1] > 0).sum())
        low, high = percentile_interval(one - other, level)[:, 0]
        held += (low <= truth) & (truth <= high)
    assert ((held / 300 > 0.92) & (held / 300 < 0.985)).all(), held / 300


def test_two_noises_seldom_look_like_a_gain():
    """Networks that do not differ, with images and trainings of equal noise: at most 5 % look different."""
    generator = np.random.default_rng(0)
    apart = outside = 0
    for _ in range(1500):
        one, other, images = (
            generator.normal(size=5),
            generator.normal(size=5),
            generator.normal(0, np.sqrt(2 / 5)),
        )
        difference = one.mean() - other.mean() + images
        training = tuple(np.array(welch_interval(one, other)) + images)
        by_image = (difference - 1.96 * np.sqrt(2 / 5), difference + 1.96 * np.sqrt(2 / 5))
        low, high = combined_interval(difference, by_image, training)
        outside += low > 0 or high < 0
        apart += all(low > 0 or high < 0 for low, high in (by_image, training))
    assert outside / 1500 < 0.05
    assert apart / 1500 > 0.08  # outside each of the two alone: the rule that this one replaces
