"""The seeded split: groups stay whole, every class in every part where that is possible, shares are met."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ext.datasets.prepare.groups import group_by_links
from mmseg_ext.datasets.prepare.split import (
    DEFAULT_SHARES,
    assign,
    group_counts,
    open_shares,
    part_sums,
    unevenness,
)

SHARES = {'train': 0.7, 'val': 0.15, 'test': 0.15}


def histograms(labels: list[list[int]]) -> np.ndarray:
    """Pixel counts (N, C) with 100 pixels of each class that a picture shows."""
    classes = 1 + max(max(label) for label in labels)
    return np.array([[100 * (index in label) for index in range(classes)] for label in labels])


def test_shares_are_met_exactly_where_they_can_be():
    parts = assign(np.arange(40), np.full((40, 1), 7), SHARES, seed=0)
    assert [parts.count(name) for name in SHARES] == [28, 6, 6]


def test_a_class_of_three_groups_is_in_every_part():
    labels = [[0, 1] if index in (5, 17, 60) else [0] for index in range(80)]
    labels = [[*label, 2] if index in (6, 18, 61) else label for index, label in enumerate(labels)]
    for seed in range(5):
        parts = assign(np.arange(80), histograms(labels), SHARES, seed)
        assert {parts[index] for index in (5, 17, 60)} == {parts[index] for index in (6, 18, 61)} == set(SHARES)


def test_pixels_are_spread_too():
    """Half of the pictures show ten times the pixels; each part gets its share of both kinds."""
    counts = np.array([[1000, 10 if index % 2 else 100] for index in range(40)])
    parts = np.array(assign(np.arange(40), counts, SHARES, seed=3))
    for name, share in SHARES.items():
        assert counts[parts == name, 1].sum() / counts[:, 1].sum() == pytest.approx(share, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), count=st.integers(1, 30), seed=st.integers(0, 99))
def test_no_group_is_divided_and_no_picture_lost(data, count, seed):
    links = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=20))
    labels = [[0, *data.draw(st.lists(st.integers(1, 3), max_size=2))] for _ in range(count)]
    groups = group_by_links(count, links)
    parts = assign(groups, histograms([*labels, [0, 3]])[:count], SHARES, seed)
    assert len(parts) == count
    assert set(parts) <= set(SHARES)
    assert len(set(zip(groups.tolist(), parts, strict=True))) == len(set(groups.tolist()))
    assert all(parts[a] == parts[b] for a, b in links)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 9),
    owners=st.lists(st.sampled_from([(0,), (0, 1), (0, 2), (0, 1, 2)]), min_size=3, max_size=7),
)
def test_as_complete_as_any_assignment_can_be(seed, owners):
    """Against all assignments of few groups: never more missing (part, class) combinations than the best has."""
    counts = group_counts(np.arange(len(owners)), histograms([*map(list, owners), [0, 1, 2]])[: len(owners)])

    def missing(place):
        sums = part_sums(np.array(place), counts, 3)[:, : 1 + 3]
        return int((sums[:, sums.any(0)] == 0).sum())

    parts = assign(np.arange(len(owners)), counts[:, 4:], SHARES, seed)
    ours = missing([list(SHARES).index(part) for part in parts])
    assert ours == min(missing(place) for place in product(range(3), repeat=len(owners)))


def test_the_seed_decides():
    drawn = [tuple(assign(np.arange(30), np.ones((30, 1), int), SHARES, seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_unevenness_by_hand():
    """Two parts of one half, 3 : 1 pictures, off by half of their share; a class that only the first shows."""
    assert unevenness(np.array([[3.0, 2.0], [1.0, 0.0]]), np.array([0.5, 0.5])) == pytest.approx(
        (0.25 + 0.25 + 1 + 1) / 4 + 100
    )


def test_open_shares():
    assert open_shares(None, set()) == pytest.approx(
        dict(zip(('train', 'val', 'test'), (0.7, 0.15, 0.15), strict=True))
    )
    assert open_shares(None, {'test'}) == pytest.approx({'train': 70 / 85, 'val': 15 / 85})
    assert open_shares((3, 1, 0), set()) == {'train': 0.75, 'val': 0.25}
    assert open_shares((0, 0, 1), {'test'}) == {}
    assert sum(DEFAULT_SHARES) == 100
