"""Scores by hand for each protocol, what the papers leave open, and the steps in between."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmseg_ext.functional.threshold_curves import (
    PROTOCOLS,
    Curve,
    average_precision,
    best_index,
    curve_scores,
    find_protocol,
    precision_recall_f1,
    protocol_tag,
    threshold_curve,
)

T = np.array([0.2, 0.5, 0.8])
# Two images of 10 and 4 true pixels: (hits, predicted, true hits, true) at three thresholds.
FIRST = [[10, 40, 10, 10], [8, 10, 8, 10], [2, 2, 2, 10]]  # F1 .4, .8, 1/3
SECOND = [[4, 4, 4, 4], [2, 6, 2, 4], [0, 0, 0, 4]]  # F1 1, .4, 0
EMPTY = [[0, 9, 0, 0], [0, 3, 0, 0], [0, 0, 0, 0]]  # F1 0, 0 and, in a mean, 1


def scored(name: str, *images: list) -> tuple[dict[str, float], Curve]:
    counts = np.array(images)
    curve = threshold_curve(counts, T[: counts.shape[1]], PROTOCOLS[name])
    return curve_scores(counts, curve, PROTOCOLS[name]), curve


def test_pooled_counts_by_hand():
    scores, curve = scored('deepcrack_tip', FIRST, SECOND)
    assert curve.precision == pytest.approx([14 / 44, 10 / 16, 1])
    assert curve.recall == pytest.approx([1, 10 / 14, 2 / 14])
    assert curve.f1 == pytest.approx([28 / 58, 20 / 30, 4 / 16])
    assert scores['ODS'] == pytest.approx(20 / 30)
    assert (scores['threshold'], scores['precision'], scores['recall']) == (0.5, 10 / 16, 10 / 14)
    # The first is best at .5, the second at .2: 8 + 4 hits of 10 + 4 predicted and 14 true.
    assert scores['OIS'] == pytest.approx(24 / 28)


def test_bsds_looks_between_the_thresholds():
    # P and R: (1, 1/4) and (1/4, 1), F1 .4 at both; halfway, near step 50 of 99, F1 is 5/8.
    scores, curve = scored('bsds', [[4, 16, 4, 4], [1, 1, 1, 4]])
    assert curve.f1 == pytest.approx([0.4, 0.4])
    step = 49 / 99
    p, r = 0.25 + 0.75 * step, 1 - 0.75 * step
    assert scores['ODS'] == pytest.approx(2 * p * r / (p + r))
    assert scores['ODS'] == pytest.approx(0.625, abs=1e-4)
    assert scores['threshold'] == pytest.approx(0.2 + 0.3 * step)
    assert (scores['precision'], scores['recall']) == (pytest.approx(p), pytest.approx(r))
    assert scores['OIS'] == pytest.approx(0.4)  # the counts at one threshold of each image, not between


def test_bsds_of_a_single_threshold():
    assert scored('bsds', [[1, 2, 1, 2]])[0]['ODS'] == 0.5


def test_crackformer_pools_for_ods_and_averages_for_ois():
    scores, _ = scored('crackformer', FIRST, SECOND)
    assert scores['ODS'] == pytest.approx(20 / 30)
    assert scores['OIS'] == pytest.approx((0.8 + 1) / 2)


def test_macro_averages_images():
    scores, curve = scored('macro', FIRST, SECOND)
    assert curve.f1 == pytest.approx([(0.4 + 1) / 2, (0.8 + 0.4) / 2, (1 / 3) / 2])
    assert curve.precision == pytest.approx([(0.25 + 1) / 2, (0.8 + 1 / 3) / 2, 1])  # the second has none at .8
    assert curve.recall == pytest.approx([1, (0.8 + 0.5) / 2, 0.1])
    assert (scores['ODS'], scores['threshold']) == (pytest.approx(0.7), 0.2)
    assert scores['OIS'] == pytest.approx(0.9)


def test_an_image_without_truth_costs_pooled_counts_its_false_positives():
    scores, curve = scored('deepcrack_tip', FIRST, SECOND, EMPTY)
    assert curve.precision == pytest.approx([14 / 53, 10 / 19, 1])
    assert curve.recall == pytest.approx([1, 10 / 14, 2 / 14])
    assert scores['ODS'] == pytest.approx(20 / 33)
    assert scores['OIS'] == pytest.approx(24 / 28)  # nothing is predicted at its highest threshold
    worse = scored('deepcrack_tip', FIRST, SECOND, [[0, 9, 0, 0], [0, 3, 0, 0], [0, 2, 0, 0]])[0]
    assert worse['OIS'] == pytest.approx(24 / 30)


@pytest.mark.parametrize('name', ['crackformer', 'macro'])
def test_an_image_without_truth_is_perfect_in_a_mean_where_nothing_is_predicted(name):
    assert scored(name, FIRST, EMPTY)[0]['OIS'] == pytest.approx((0.8 + 1) / 2)
    full = [[0, 9, 0, 0], [0, 3, 0, 0], [0, 1, 0, 0]]
    assert scored(name, FIRST, full)[0]['OIS'] == pytest.approx(0.8 / 2)


def test_macro_ods_with_an_image_without_truth():
    scores, curve = scored('macro', FIRST, EMPTY)
    assert curve.f1 == pytest.approx([0.2, 0.4, (1 / 3 + 1) / 2])
    assert scores['threshold'] == 0.8


@pytest.mark.parametrize('name', PROTOCOLS)
def test_no_truth_at_all_is_no_score(name):
    scores, curve = scored(name, EMPTY, EMPTY)
    assert all(math.isnan(value) for value in scores.values())
    assert np.isnan(curve.f1).all()
    assert np.isnan(curve.recall).all()
    assert curve.precision[0] == 0


@pytest.mark.parametrize('name', PROTOCOLS)
def test_nothing_predicted_is_the_lowest_score(name):
    scores, curve = scored(name, [[0, 0, 0, 5]] * 3)
    assert (scores['ODS'], scores['OIS'], scores['AP'], scores['recall']) == (0, 0, 0, 0)
    assert scores['threshold'] == pytest.approx(0.8)
    assert np.isnan(curve.precision).all()


@pytest.mark.parametrize('name', PROTOCOLS)
def test_a_perfect_map(name):
    scores, _ = scored(name, [[5, 5, 5, 5]] * 3, [[7, 7, 7, 7]] * 3)
    assert scores == dict(ODS=1, OIS=1, AP=1, threshold=0.2, precision=1, recall=1)


def test_ties_go_to_the_lowest_threshold_unless_nothing_is_hit():
    assert best_index(np.array([[0.1, 0.5, 0.5], [0, 0, 0], [0.3, 0.3, 0.1]])).tolist() == [1, 2, 0]


def test_precision_and_recall_are_undefined_where_nothing_is_predicted_or_true():
    precision, recall, f1 = precision_recall_f1(np.array([[0, 0, 0, 3], [0, 3, 0, 0], [0, 2, 0, 2], [3, 4, 1, 4]]))
    assert precision.tolist() == [pytest.approx(math.nan, nan_ok=True), 0, 0, 0.75]
    assert recall.tolist() == [0, pytest.approx(math.nan, nan_ok=True), 0, 0.25]
    assert f1.tolist() == [0, 0, 0, 0.375]


def test_average_precision_by_hand():
    # Constant 1 up to recall .5, then down to .5 at recall .9, nothing beyond.
    line = sum(1 - 0.5 * (step - 50) / 40 for step in range(51, 91))
    expected = (51 + line) / 101
    assert average_precision(np.array([0.5, 1.0]), np.array([0.9, 0.5])) == pytest.approx(expected)


def test_average_precision_takes_the_best_of_equal_recalls_and_skips_what_is_undefined():
    points = np.array([0.25, 0.75, np.nan, 0.5]), np.array([1.0, 1.0, 0.0, 1.0])
    assert average_precision(*points) == 0.75
    assert average_precision(np.array([np.nan]), np.array([0.0])) == 0


def test_a_recall_on_the_grid_belongs_to_it():
    for hundredths in range(101):
        points = np.array([1.0]), np.array([hundredths / 100])
        assert average_precision(*points) == pytest.approx((hundredths + 1) / 101)


def random_counts(data, name: str) -> np.ndarray:
    """(3, K, 4): nested masks, hits no more than what there is."""
    fewer = data.draw(arrays(int, (3, 5), elements=st.integers(0, 20))).cumsum(1)[:, ::-1]
    hits = np.minimum(data.draw(arrays(int, (3, 5), elements=st.integers(0, 8))).cumsum(1)[:, ::-1], fewer)
    true = hits.max(1, keepdims=True) + data.draw(arrays(int, (3, 1), elements=st.integers(0, 9)))
    return np.stack([hits, fewer, hits, np.broadcast_to(true, hits.shape)], axis=2)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(PROTOCOLS)))
def test_scores_lie_within_0_and_1_and_choosing_for_each_image_never_hurts_the_mean(data, name):
    counts, protocol = random_counts(data, name), PROTOCOLS[name]
    curve = threshold_curve(counts, np.arange(1, 6) / 6, protocol)
    scores = curve_scores(counts, curve, protocol)
    if not counts[..., 3].any():
        return
    assert all(0 <= scores[key] <= 1 for key in ('ODS', 'OIS', 'AP', 'recall'))
    assert scores['ODS'] >= np.max(curve.f1) - 1e-12
    if name == 'macro':
        assert scores['OIS'] >= scores['ODS'] - 1e-12


@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from(sorted(PROTOCOLS)), st.permutations(range(3)))
def test_the_order_of_the_images_does_not_matter(data, name, order):
    counts, protocol = random_counts(data, name), PROTOCOLS[name]
    one, other = (
        curve_scores(part, threshold_curve(part, np.arange(1, 6) / 6, protocol), protocol)
        for part in (counts, counts[list(order)])
    )
    assert one == pytest.approx(other, nan_ok=True)


def test_tags():
    assert protocol_tag('bsds', None) == 'bsds-0.0075d'
    assert protocol_tag('bsds', 2.0) == 'bsds-2px'
    assert protocol_tag('macro', 1.5, thin=True) == 'macro-1.5px-thin'
    assert protocol_tag('deepcrack_tip', None, one_to_one=True) == 'deepcrack_tip-2px-1to1'
    assert protocol_tag('crackformer', 0, thin=True, one_to_one=True) == 'crackformer-0px-thin-1to1'


def test_grids():
    grids = {name: protocol.thresholds for name, protocol in PROTOCOLS.items()}
    assert {name: (grid[0], grid[-1], len(grid)) for name, grid in grids.items()} == {
        'bsds': (0.01, 0.99, 99),
        'deepcrack_tip': (0.01, 0.99, 99),
        'crackformer': (0, 0.99, 100),
        'macro': (0, 1, 101),
    }


def test_an_unknown_protocol():
    with pytest.raises(ValueError, match="unknown protocol 'deepcrack'; did you mean deepcrack_tip"):
        find_protocol('deepcrack')
    with pytest.raises(ValueError, match='there are bsds, deepcrack_tip, crackformer, macro'):
        find_protocol('xyz')
