"""Thinned and one-to-one counts: by hand, against brute force, and where they must agree with the fast ones."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.morphology import thin

from mmseg_ext.functional.matched_counts import count_pairs, matched_counts
from mmseg_ext.functional.threshold_counts import threshold_counts

MASKS = arrays(bool, (5, 6))
RANKS = arrays(np.uint8, (5, 6), elements=st.integers(0, 4))


def oracle_pairs(predicted: np.ndarray, true: np.ndarray, radius: float) -> int:
    graph = networkx.Graph()
    left = [('p', *place) for place in np.argwhere(predicted)]
    right = [('t', *place) for place in np.argwhere(true)]
    graph.add_nodes_from(left + right)
    near = [(p, t) for p in left for t in right if np.hypot(p[1] - t[1], p[2] - t[2]) <= radius]
    graph.add_edges_from(near)
    return len(networkx.max_weight_matching(graph, maxcardinality=True))


@settings(max_examples=60, deadline=None)
@given(MASKS, MASKS, st.sampled_from([0.0, 1.0, 1.5, 2.0, 9.0]))
def test_pairs_are_as_many_as_there_can_be(predicted, true, radius):
    assert count_pairs(predicted, true, radius) == oracle_pairs(predicted, true, radius)


def test_a_thick_line_finds_partners_for_one_third_of_its_pixels():
    true, ranks = np.zeros((7, 10), bool), np.zeros((7, 10), np.uint8)
    true[3], ranks[2:5] = True, 1
    assert matched_counts(ranks, true, 1, 1.0, thinned=False, one_to_one=True).tolist() == [[10, 30, 10, 10]]
    assert matched_counts(ranks, true, 1, 1.0, thinned=False, one_to_one=False).tolist() == [[30, 30, 10, 10]]


def test_thinning_leaves_the_middle_of_a_thick_line():
    true, ranks = np.zeros((9, 30), bool), np.zeros((9, 30), np.uint8)
    true[4], ranks[3:6] = True, 1
    ((hits, predicted, true_hits, total),) = matched_counts(ranks, true, 1, 0.0, thinned=True, one_to_one=False)
    assert hits == predicted == true_hits
    assert 27 <= predicted <= 30  # the ends of a thinned line are a pixel or two shorter
    assert total == 30


def test_the_truth_is_thinned_too():
    true = np.zeros((9, 30), bool)
    true[3:6] = True
    counts = matched_counts(true.view(np.uint8), true, 1, 0.0, thinned=True, one_to_one=True)
    assert counts.tolist() == [[thin(true).sum()] * 4]
    assert thin(true).sum() < 31


@settings(max_examples=60, deadline=None)
@given(RANKS, MASKS, st.sampled_from([0.0, 1.0, 2.3]))
def test_without_either_option_the_slow_way_equals_the_fast_one(ranks, true, radius):
    slow = matched_counts(ranks, true, 4, radius, thinned=False, one_to_one=False)
    assert np.array_equal(slow, threshold_counts(ranks, true, 4, radius))


@settings(max_examples=60, deadline=None)
@given(RANKS, MASKS, st.sampled_from([0.0, 1.0, 2.3]))
def test_one_to_one_hits_are_no_more_than_the_others(ranks, true, radius):
    free = threshold_counts(ranks, true, 4, radius)
    paired = matched_counts(ranks, true, 4, radius, thinned=False, one_to_one=True)
    assert (paired <= free).all()
    assert np.array_equal(paired[:, 0], paired[:, 2])
    if radius == 0:
        assert np.array_equal(paired, free)


def test_one_mask_is_counted_once(monkeypatch):
    calls = []
    monkeypatch.setattr('mmseg_ext.functional.matched_counts.thin', lambda mask: calls.append(1) or mask)
    ranks = np.array([[0, 3, 7]], np.uint8)
    counts = matched_counts(ranks, np.array([[False, True, False]]), 9, 0.0, thinned=True, one_to_one=False)
    assert len(calls) == 4  # the truth, and the masks of two, one and no pixel
    assert counts.tolist() == [[1, 2, 1, 1]] * 3 + [[0, 1, 0, 1]] * 4 + [[0, 0, 0, 1]] * 2


@pytest.mark.parametrize('thinned', [False, True])
@pytest.mark.parametrize('one_to_one', [False, True])
def test_nothing_predicted_and_nothing_true(thinned, one_to_one):
    nothing = np.zeros((4, 4), np.uint8)
    assert not matched_counts(nothing, nothing.view(bool), 3, 2.0, thinned, one_to_one).any()
