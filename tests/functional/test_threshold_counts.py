"""One pass over the pixels against the loop over the thresholds that defines what is counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from mmseg_ext.functional.disk import disk_maximum, disk_offsets
from mmseg_ext.functional.threshold_counts import Thresholds, threshold_counts
from mmseg_ext.functional.threshold_curves import PROTOCOLS

GRIDS = {name: (protocol.thresholds, protocol.strict) for name, protocol in PROTOCOLS.items()}
GRIDS |= {
    'one': ((0.5,), False),
    'few, uneven': ((0.05, 0.29, 0.57, 0.9), True),
    'FPHBN': (tuple(np.linspace(0.0001, 0.9999, 99)), False),
    'from .4 on': (tuple(np.arange(40, 90, 5) / 100), True),
    'thousand': (tuple(np.arange(1001) / 1000), False),
}
HUNDREDTHS = np.arange(101) / 100


def passes(probability: np.ndarray, threshold: float, strict: bool) -> np.ndarray:
    wide = probability.astype(np.float64)
    return wide > threshold if strict else wide >= threshold


def naive_ranks(probability: np.ndarray, grid: tuple[float, ...], strict: bool) -> np.ndarray:
    return sum(passes(probability, threshold, strict).astype(int) for threshold in grid)


def near_edges(dtype: type) -> np.ndarray:
    """Each hundredth as ``dtype`` holds it, and the numbers just below and above it."""
    edges = HUNDREDTHS.astype(dtype)
    around = [np.nextafter(edges, dtype(side)) for side in (-1, 2)]
    return np.concatenate([edges, *around]).clip(0, 1)


@pytest.mark.parametrize('name', GRIDS)
@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_values_on_and_beside_the_thresholds(name, dtype):
    grid, strict = GRIDS[name]
    values = np.concatenate([near_edges(dtype), np.random.default_rng(0).random(5000).astype(dtype)])
    assert np.array_equal(Thresholds(grid, strict).ranks(values), naive_ranks(values, grid, strict))


def test_a_float32_is_judged_by_the_value_it_holds():
    map_, grid = np.array([0.29, 0.57, 0.25], np.float32), (0.25, 0.29, 0.57)
    assert float(map_[0]) < 0.29
    assert float(map_[1]) < 0.57
    assert Thresholds(grid, strict=False).ranks(map_).tolist() == [1, 2, 1]
    assert Thresholds(grid, strict=False).ranks(map_.astype(np.float64)).tolist() == [1, 2, 1]
    assert Thresholds(grid, strict=True).ranks(np.array([0.25, 0.29, 0.57])).tolist() == [0, 1, 2]


@pytest.mark.parametrize('name', GRIDS)
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_stored_levels_mean_their_share_of_the_highest(name, dtype):
    grid, strict = GRIDS[name]
    levels = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    expected = naive_ranks(levels / np.iinfo(dtype).max, grid, strict)
    assert np.array_equal(Thresholds(grid, strict).ranks(levels), expected)


def test_half_precision_is_exact_too():
    map_ = np.array([0.5, 0.25, 0.7001], np.float16)
    assert Thresholds((0.25, 0.5, 0.75), strict=True).ranks(map_).tolist() == [1, 0, 2]


@pytest.mark.parametrize('values', [[0.2, np.nan], [-0.001, 0.5], [0.5, 1.001], [-7.0, 9.0]])
def test_what_is_no_probability_is_refused(values):
    for dtype in (np.float32, np.float64):
        with pytest.raises(ValueError, match=r'probabilities must be within 0\.\.1.*logits, or NaN'):
            Thresholds((0.5,), strict=True).ranks(np.array(values, dtype))


@pytest.mark.parametrize('values', [[], [0.5, 0.4], [0.5, 0.5], [-0.1, 0.5], [0.5, 1.1], [np.nan], [[0.1, 0.2]]])
def test_thresholds_must_ascend_within_0_and_1(values):
    with pytest.raises(ValueError, match='thresholds must'):
        Thresholds(values, strict=True)


def test_counts_by_hand():
    map_ = np.array([[0.9, 0.6, 0.3], [0.1, 0.6, 0.0]])
    true = np.array([[1, 0, 1], [0, 1, 0]], bool)
    ranks = Thresholds((0.2, 0.6, 0.95), strict=False).ranks(map_)
    assert threshold_counts(ranks, true, 3).tolist() == [[3, 4, 3, 3], [2, 3, 2, 3], [0, 0, 0, 3]]


def test_a_line_one_pixel_aside_is_a_hit_within_one_pixel():
    true, map_ = np.zeros((5, 6), bool), np.zeros((5, 6))
    true[:, 2], map_[:, 3], map_[0, 5] = True, 0.7, 0.7
    ranks = Thresholds((0.5,), strict=True).ranks(map_)
    assert threshold_counts(ranks, true, 1, 0.99).tolist() == [[0, 6, 0, 5]]
    assert threshold_counts(ranks, true, 1, 1.0).tolist() == [[5, 6, 5, 5]]
    assert threshold_counts(ranks, true, 1, 3.0).tolist() == [[6, 6, 5, 5]]


def naive_counts(map_, true, grid, strict, radius) -> list[list[int]]:
    """The definition: a Euclidean disk slid over each threshold's mask."""
    rows = []
    for threshold in grid:
        mask = passes(map_, threshold, strict)
        hits = mask & (distance_to(true) <= radius)
        true_hits = true & (distance_to(mask) <= radius)
        rows.append([hits.sum(), mask.sum(), true_hits.sum(), true.sum()])
    return rows


def distance_to(mask: np.ndarray) -> np.ndarray:
    if not mask.any():
        return np.full(mask.shape, np.inf)
    return np.sqrt(np.round(ndimage.distance_transform_edt(~mask) ** 2))


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.float32, (7, 9), elements=st.sampled_from([float(v) for v in near_edges(np.float32)])),
    arrays(bool, (7, 9)),
    st.sampled_from(['bsds', 'macro', 'few, uneven']),
    st.sampled_from([0.0, 1.0, 1.5, 2.0, 2.83, 5.43, 30.0]),
)
def test_every_count_equals_the_loop(map_, true, name, radius):
    grid, strict = GRIDS[name]
    counts = threshold_counts(Thresholds(grid, strict).ranks(map_), true, len(grid), radius)
    assert counts.dtype == np.int64
    assert counts.tolist() == naive_counts(map_, true, grid, strict, radius)


@settings(max_examples=100, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))), st.floats(0, 6))
def test_the_maximum_in_a_disk(values, radius):
    reach = int(radius)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    footprint = rows**2 + columns**2 <= radius**2
    expected = ndimage.grey_dilation(values, footprint=footprint, mode='constant', cval=0)
    assert np.array_equal(disk_maximum(values, radius), expected)


def test_offsets_of_a_disk():
    assert disk_offsets(0.9).tolist() == [[0, 0]]
    assert disk_offsets(1).tolist() == [[-1, 0], [0, -1], [0, 0], [0, 1], [1, 0]]
    assert len(disk_offsets(1.5)) == 9
    assert len(disk_offsets(2)) == 13
