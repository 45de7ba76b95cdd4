"""PSNR, SSIM and the mean change: hand-computed values, properties, and SSIM against a loop over windows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from augment.errors import DataError
from augment.quality.similarity import mean_change, psnr, psnr_pie, ssim, ssim_pie

SHAPE = (14, 17, 3)
pictures = hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, 255))
regions = hnp.arrays(bool, SHAPE[:2])


def flat(value: int) -> np.ndarray:
    return np.full(SHAPE, value, np.uint8)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, SHAPE, np.uint8)


def square(rows: slice = slice(3, 9), columns: slice = slice(4, 12)) -> np.ndarray:
    region = np.zeros(SHAPE[:2], bool)
    region[rows, columns] = True
    return region


@pytest.mark.parametrize(('one', 'other', 'expected'), [(0, 255, 0.0), (10, 35, 20.0 + 20 * math.log10(1.02))])
def test_psnr_of_flat_pictures(one, other, expected):
    """Steps of 255 and 25 grey levels: 20 log10(255 / step)."""
    assert psnr(flat(one), flat(other)) == pytest.approx(expected)
    assert psnr(flat(other), flat(one)) == pytest.approx(expected)  # no wrap-around of unsigned numbers


def test_psnr_of_one_changed_pixel():
    after = flat(100)
    after[5, 6] = (100, 130, 100)
    error = 30**2 / (14 * 17 * 3)
    assert psnr(flat(100), after) == pytest.approx(10 * math.log10(255**2 / error))


def test_only_the_pixels_of_the_region_count():
    region, after = square(), flat(50)
    after[region] = 150
    assert psnr(flat(50), after, ~region) == math.inf
    assert psnr(flat(50), after, region) == pytest.approx(20 * math.log10(2.55))
    assert mean_change(flat(50), after, region) == pytest.approx(100 / 255)
    assert mean_change(flat(50), after, ~region) == 0
    assert mean_change(flat(50), after) == pytest.approx(100 / 255 * 48 / 238)


def test_the_way_of_pie_bench_is_higher_by_what_it_leaves_out():
    """Outside the region both are black and equal, which counts as right."""
    region = square()
    true, pie = psnr(noise(0), noise(1), region), psnr_pie(noise(0), noise(1), region)
    assert pie == pytest.approx(true + 10 * math.log10(region.size / region.sum()))


def test_nothing_to_compare_is_not_a_number():
    nothing = np.zeros(SHAPE[:2], bool)
    for function in (psnr, ssim, mean_change):
        assert math.isnan(function(noise(0), noise(1), nothing))


@given(pictures, pictures)
@settings(max_examples=40, deadline=None)
def test_properties(one, other):
    assert psnr(one, other) == psnr(other, one)
    assert psnr(one, other) >= 0
    assert psnr(one, one) == math.inf
    assert ssim(one, one) == pytest.approx(1)
    assert ssim(one, other) == pytest.approx(ssim(other, one))
    assert -1 <= ssim(one, other) <= 1 + 1e-12
    assert mean_change(one, other) == pytest.approx(np.abs(one.astype(int) - other).mean() / 255)


@given(pictures, pictures, regions.filter(np.any))
@settings(max_examples=40, deadline=None)
def test_what_lies_outside_the_region_does_not_matter(one, other, region):
    spoiled = np.where(region[..., None], other, 255 - other)
    assert psnr(one, other, region) == psnr(one, spoiled, region)
    assert mean_change(one, other, region) == mean_change(one, spoiled, region)


def one_window(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of two 11 x 11 grey windows, straight from the definition: weighted moments, no filters."""
    place = np.arange(11) - 5
    line = np.exp(-(place**2) / (2 * 1.5**2))
    weight = np.outer(line, line) / line.sum() ** 2
    x, y = (weight * a).sum(), (weight * b).sum()
    xx, yy, xy = ((weight * (p - m) * (q - n)).sum() for p, m, q, n in ((a, x, a, x), (b, y, b, y), (a, x, b, y)))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return (2 * x * y + c1) * (2 * xy + c2) / ((x * x + y * y + c1) * (xx + yy + c2))


def by_windows(a: np.ndarray, b: np.ndarray, region: np.ndarray | None = None) -> float:
    a, b = a.astype(float), b.astype(float)
    places = [
        (row, column)
        for row in range(5, SHAPE[0] - 5)
        for column in range(5, SHAPE[1] - 5)
        if region is None or region[row, column]
    ]
    windows = [(slice(r - 5, r + 6), slice(c - 5, c + 6), k) for r, c in places for k in range(3)]
    return float(np.mean([one_window(a[window], b[window]) for window in windows]))


@pytest.mark.parametrize('other', [noise(1), flat(90), (noise(0) // 2 + 40).astype(np.uint8)])
def test_ssim_is_that_of_an_independent_loop(other):
    assert ssim(noise(0), other) == pytest.approx(by_windows(noise(0), other), abs=1e-9)
    assert ssim(noise(0), other, square()) == pytest.approx(by_windows(noise(0), other, square()), abs=1e-9)
    region = square()[..., None]
    assert ssim_pie(noise(0), other, square()) == pytest.approx(
        by_windows(noise(0) * region, other * region), abs=1e-9
    )


def test_ssim_of_flat_pictures():
    """No structure at all: what is left compares the means alone."""
    c1 = (0.01 * 255) ** 2
    assert ssim(flat(100), flat(200)) == pytest.approx((2 * 100 * 200 + c1) / (100**2 + 200**2 + c1))


def test_sizes_must_agree():
    with pytest.raises(DataError, match='of one size'):
        psnr(flat(0), flat(0)[:-1])
    with pytest.raises(DataError, match='of one size'):
        mean_change(flat(0), flat(0), square()[:, :-1])
    with pytest.raises(DataError, match='at least 11 pixels a side'):
        ssim(flat(0)[:10], flat(0)[:10])
