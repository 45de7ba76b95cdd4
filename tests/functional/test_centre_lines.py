"""Lengths and widths of shapes whose true ones are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from mmseg_ext.functional.centre_lines import half_widths, measure_lines
from mmseg_ext.functional.regions import measure_regions

ROWS, COLUMNS = np.mgrid[:160, :160] - 79.5
ANGLES = np.linspace(0, np.pi / 2, 31)
SHIFTS = ((0.13, 0.29), (0.37, 0.21))  # no border in the middle of a pixel


def ray(angle: float, width: float, start: float, stop: float, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    """A bar from ``start`` to ``stop`` pixels away from the middle of the image."""
    rows, columns = ROWS - shift[0], COLUMNS - shift[1]
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    return (along > start) & (along < stop) & (np.abs(across) < width / 2)


def only(mask: np.ndarray) -> tuple[float, float, float]:
    """Length, mean and largest width of a mask of one region."""
    lines = measure_lines(mask)
    assert len(lines.length) == 1
    return lines.length[0], lines.mean_width[0], lines.max_width[0]


@pytest.mark.parametrize('width', [1, 2, 3, 4, 5, 6, 9, 12])
def test_bars_along_rows_and_columns_are_exact(width):
    for length in (width, width + 1, 2 * width, 30):
        for bar in (np.ones((width, length), bool), np.ones((length, width), bool)):
            for mask in (bar, np.pad(bar, 3)):  # the whole image, touching all its borders, and inside of one
                assert only(mask) == pytest.approx((max(bar.shape), min(bar.shape), min(bar.shape)))


@pytest.mark.parametrize('width', [1.2, 2, 3, 4, 6, 9, 12])
def test_bars_at_all_angles(width):
    errors = []
    for angle in ANGLES:
        for shift in SHIFTS:
            mask = ray(angle, width, -40, 40, shift)
            length, mean, largest = only(mask)
            assert length == pytest.approx(80, abs=1.6 + width / 2)
            assert mean == pytest.approx(mask.sum() / 80, abs=0.2 + 0.05 * width)
            assert largest == pytest.approx(width, abs=0.8)
            errors.append(length / 80 - 1)
    assert abs(np.mean(errors)) < 0.015


def test_a_diagonal_of_single_pixels():
    for mask in (np.eye(20, dtype=bool), np.eye(20, dtype=bool)[::-1]):
        length = 19 * 2**0.5 + 1
        assert only(mask) == pytest.approx((length, 20 / length, 1))


@pytest.mark.parametrize('radius', [10, 20, 50])
def test_rings(radius):
    for width in (1.5, 2, 3, 5):
        for shift in SHIFTS:
            distance = np.abs(np.hypot(ROWS - shift[0], COLUMNS - shift[1]) - radius)
            length, mean, largest = only(distance < width / 2)
            assert length == pytest.approx(2 * np.pi * radius, rel=0.03)
            assert mean == pytest.approx(width, abs=0.2)
            assert largest == pytest.approx(width, abs=0.8)


def test_a_small_ring_does_not_shrink():
    for shift in SHIFTS:
        distance = np.abs(np.hypot(ROWS - shift[0], COLUMNS - shift[1]) - 6)
        assert only(distance < 1)[0] == pytest.approx(12 * np.pi, rel=0.04)


@pytest.mark.parametrize('width', [2, 3, 4, 6])
@pytest.mark.parametrize('angle', [0, 0.2, 0.5, 0.7])
def test_crosses_and_forks_are_as_long_as_their_arms_and_no_wider(width, angle):
    arms = {np.pi / 2: 4, 2 * np.pi / 3: 3}
    for turn, count in arms.items():
        mask = np.any([ray(angle + k * turn, width, -width / 2, 50, SHIFTS[0]) for k in range(count)], 0)
        length, mean, largest = only(mask)
        assert length == pytest.approx(50 * count, rel=0.04)
        assert mean == pytest.approx(width, abs=0.45)
        assert largest == pytest.approx(width, abs=0.7)


def test_a_tangle_that_lies_within_the_disks_of_its_junctions_has_a_width():
    rows = '.#.####.#### ..##.######. #.##.####### #.#.##.###.# .##.##.#.##. #.########## ###.#.....##'
    rows += ' .########.## #####.###### #########.## #....##.#### ##..##..##.#'
    assert 2 < only(np.array([[pixel == '#' for pixel in row] for row in rows.split()]))[2] < 12


def test_a_plus_is_two_bars():
    plus = np.zeros((11, 11), bool)
    plus[5], plus[:, 5] = True, True
    assert only(plus) == pytest.approx((22, 21 / 22, 1), abs=0.25)


@pytest.mark.parametrize('diameter', [1, 2, 3, 6, 11, 20])
def test_a_spot_has_its_diameter_for_its_length(diameter):
    square = np.ones((diameter, diameter), bool)
    assert only(square)[0] == pytest.approx(diameter)
    middle = (diameter - 1) / 2
    disk = np.hypot(*(np.indices(square.shape) - middle)) <= diameter / 2
    length, mean, largest = only(disk)
    assert length == pytest.approx(diameter, abs=1)
    assert mean <= largest == pytest.approx(diameter, abs=1)


def jagged(width: float, angle: float, noise: float, seed: int) -> np.ndarray:
    """A bar of 80 pixels whose border wavers by ``noise`` pixels (standard deviation), without holes."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(ROWS.shape), 1)
    along, across = COLUMNS * np.cos(angle) + ROWS * np.sin(angle), ROWS * np.cos(angle) - COLUMNS * np.sin(angle)
    outside = np.maximum(np.abs(along) - 40, np.abs(across) - width / 2)
    ids, _ = ndimage.label(outside + noise * field / field.std() < 0, np.ones((3, 3)))
    return ndimage.binary_fill_holes(ids == np.argmax(np.bincount(ids.ravel())[1:]) + 1)


@pytest.mark.parametrize(('noise', 'bias', 'spread'), [(0.5, 0.035, 0.05), (1.0, 0.06, 0.09)])
@pytest.mark.parametrize('width', [6, 9, 12])
def test_jagged_borders_add_some_percent(width, noise, bias, spread):
    measured = np.array([only(jagged(width, seed / 7, noise, seed)) for seed in range(20)])
    error = measured[:, 0] / 80 - 1
    assert abs(error.mean()) < bias
    assert np.sqrt((error**2).mean()) < spread
    assert measured[:, 1].mean() == pytest.approx(width, abs=0.5)
    assert (measured[:, 2] < width + 3).all()


def test_bumps_lower_than_the_crack_is_wide_are_no_branches():
    crack = np.zeros((40, 90), bool)
    crack[20:26, 5:85] = True
    for column, height in ((20, 1), (30, 2), (44, 4), (60, 5)):
        crack[20 - height : 20, column : column + 2] = True
    assert only(crack)[0] == pytest.approx(80, abs=2)
    crack[8:20, 30:32] = True
    assert only(crack)[0] == pytest.approx(80 + 15, abs=4)


def test_a_short_thick_piece_with_a_bump_keeps_its_length():
    piece = np.zeros((12, 24), bool)
    piece[4:10, 3:20] = True
    piece[1:4, 11] = True
    assert only(piece)[0] == pytest.approx(17, abs=5)  # less than its width of 6 is lost


def test_specks_in_a_crack_are_filled_and_larger_holes_walked_round():
    crack = np.ones((8, 60), bool)
    crack[3, 10] = crack[5, 20] = crack[3:5, 30:32] = crack[2:3, 40:47] = False
    assert only(crack) == pytest.approx((60, 8, 8))
    crack[2:5, 40:50] = False
    length, mean, largest = only(crack)
    assert 60 + 8 < length < 60 + 20
    assert mean < 8 == pytest.approx(largest)
    eye = np.ones((5, 5), bool)
    eye[1:4, 1:4], eye[2, 2] = False, True  # a region in the middle of the smallest hole that is not filled
    assert len(measure_lines(eye).length) == 2


def test_regions_are_measured_each_in_the_order_of_their_first_pixels():
    mask = np.zeros((12, 40), bool)
    mask[2:5, 20:36] = mask[3, 1:11] = mask[6:12, 30:32] = mask[9, 5] = True
    lines = measure_lines(mask)
    assert lines.length == pytest.approx([16, 10, 6, 1])
    assert lines.mean_width == pytest.approx([3, 1, 2, 1])
    assert lines.max_width == pytest.approx([3, 1, 2, 1])


def test_the_border_of_the_image_is_background():
    mask = np.zeros((30, 40), bool)
    mask[:4] = True
    assert only(mask) == pytest.approx((40, 4, 4))


@pytest.mark.parametrize('shape', [(0, 0), (0, 5), (4, 7)])
def test_nothing_has_no_length(shape):
    assert [len(each) for each in measure_lines(np.zeros(shape, bool))] == [0, 0, 0]
    assert half_widths(np.zeros(shape, bool), np.zeros((0, 2), int)).shape == (0,)


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14)))
@settings(max_examples=200, deadline=None)
def test_one_entry_a_region_and_finite_whatever_the_mask(mask):
    lines, regions = measure_lines(mask), measure_regions(mask.astype(np.uint8))
    assert len(lines.length) == len(regions.area)
    assert (lines.length * lines.mean_width <= regions.box[:, 2:].prod(1) + 1e-9).all()
    assert (lines.mean_width > 0).all()
    assert (lines.length >= 1).all()
    assert (lines.length <= 2 * regions.area).all()
    assert (lines.max_width >= lines.mean_width).all()
    assert (lines.max_width <= regions.box[:, 2:].max(1, initial=0) + 1e-9).all()


@given(st.integers(0, 10**6), st.sampled_from([np.transpose, np.flipud, np.fliplr, np.rot90]))
@settings(max_examples=40, deadline=None)
def test_turned_and_mirrored_lines_are_as_long(seed, turn):
    rng = np.random.default_rng(seed)
    mask = jagged(rng.uniform(2, 9), rng.uniform(0, np.pi), 0, seed)
    here, there = only(mask), only(turn(mask))
    assert there[0] == pytest.approx(here[0], abs=3 + 0.01 * here[0])
    assert there[2] == pytest.approx(here[2], abs=0.5)


def test_twice_the_size_is_twice_the_length_and_width():
    for angle in ANGLES[::3]:
        small = ray(angle, 4, -30, 30)
        here, there = only(small), only(small.repeat(2, 0).repeat(2, 1))
        assert np.divide(there, here) == pytest.approx([2, 2, 2], rel=0.07)
