"""Windows: where they are by hand, and what they promise for every label."""

import itertools

import numpy as np
import pytest
from defect_labels import label_with, labels
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.config.settings import CropSettings
from augment.regions.region import defects, edit_region
from augment.regions.windows import Window, defect_windows, shares, whole_frame

CROPS = st.builds(CropSettings, context=st.floats(1, 5), smallest=st.integers(8, 60))


@pytest.mark.parametrize(
    ('boxes', 'expected'),
    [
        # 60 x 3 = 180 > 128, centred on row 230, column 115
        ([(200, 110, 60, 10)], [(140, 25, 180, 180)]),
        # too small to matter: 128 around row 201, column 301
        ([(200, 300, 2, 2)], [(137, 237, 128, 128)]),
        # in the corner: shifted inside
        ([(0, 0, 2, 2)], [(0, 0, 128, 128)]),
        ([(395, 595, 5, 5)], [(272, 472, 128, 128)]),
        # 3 x 200 = 600 > 400 rows: cut to the height, not to the width
        ([(100, 200, 200, 20)], [(0, 0, 400, 600)]),
        # from top to bottom, whichever defect begins first
        ([(200, 60, 2, 2), (205, 400, 20, 70)], [(110, 330, 210, 210), (137, 0, 128, 128)]),
        # windows of columns 36..163 and 164..291 touch; those of 36..163 and 163..290 overlap
        ([(200, 99, 2, 2), (200, 227, 2, 2)], [(137, 36, 128, 128), (137, 164, 128, 128)]),
        ([(200, 99, 2, 2), (200, 226, 2, 2)], [(73, 36, 255, 255)]),
    ],
)
def test_windows_by_hand(boxes, expected):
    assert defect_windows(label_with((400, 600), *boxes), CropSettings()) == [Window(*box) for box in expected]


def test_joining_may_reach_a_third():
    crop = CropSettings(smallest=20, context=1)
    label = label_with((100, 100), (10, 10, 2, 2), (10, 28, 2, 2), (31, 30, 2, 2))
    # columns 1..20 and 19..38 of rows 1..20 make 38 x 38 from (0, 1) on; that reaches rows 22..41 of the third
    assert defect_windows(label, crop) == [Window(0, 0, 42, 42)]


def test_a_window_between_two_joins_both():
    label = label_with((100, 100), (10, 10, 2, 2), (10, 40, 2, 2), (25, 28, 2, 2))
    # columns 1..20 and 31..50 are apart; rows 16..35, columns 19..38 touch either
    assert defect_windows(label, CropSettings(smallest=20, context=1)) == [Window(0, 1, 50, 50)]


def test_the_halo_widens_a_window_that_is_too_small_for_it():
    label = label_with((100, 100), (50, 50, 4, 4))
    assert defect_windows(label, CropSettings(smallest=8), halo=0) == [Window(46, 46, 12, 12)]
    assert defect_windows(label, CropSettings(smallest=8), halo=16) == [Window(34, 34, 36, 36)]


def test_ignored_pixels_are_no_defect_and_corners_join():
    label = label_with((200, 200), (20, 20, 30, 30), value=255)
    assert defect_windows(label, CropSettings()) == []
    label[100, 100] = label[101, 101] = 3
    assert defect_windows(label, CropSettings(smallest=8, context=4)) == [Window(97, 97, 8, 8)]


def test_windows_that_may_overlap_stay_as_small_as_they_are():
    label = label_with((400, 600), (200, 99, 2, 2), (200, 226, 2, 2))
    assert defect_windows(label, CropSettings(), disjoint=False) == [
        Window(137, 36, 128, 128),
        Window(137, 163, 128, 128),
    ]


def test_a_defect_in_the_window_of_a_larger_one_has_none_of_its_own():
    # columns 100..279 of the large one hold 180 + 2 and a halo of 8, not one of 100
    label = label_with((400, 600), (200, 160, 10, 60), (200, 240, 2, 2))
    large = Window(115, 100, 180, 180)
    assert defect_windows(label, CropSettings(), halo=8, disjoint=False) == [large]
    assert defect_windows(label, CropSettings(), halo=60, disjoint=False) != [large]


def test_defects_whose_halos_touch_are_one():
    label = label_with((200, 200), (100, 90, 4, 4), (100, 110, 4, 4))
    crop = CropSettings(smallest=8)
    assert defect_windows(label, crop, halo=2, disjoint=False) == [Window(96, 86, 12, 12), Window(96, 106, 12, 12)]
    # 24 columns, three times as wide, around row 102 and column 102
    assert defect_windows(label, crop, halo=8, disjoint=False) == [Window(66, 66, 72, 72)]


def test_too_many_windows_are_joined_where_they_overlap():
    label = label_with((400, 600), *[(200, 40 + 100 * k, 2, 2) for k in range(5)])
    assert len(defect_windows(label, CropSettings(most_windows=5), disjoint=False)) == 5
    assert defect_windows(label, CropSettings(most_windows=4), disjoint=False) == defect_windows(
        label, CropSettings()
    )
    assert len(defect_windows(label, CropSettings())) == 1


def test_each_part_of_a_region_goes_to_the_smallest_window_that_holds_it():
    region = np.zeros((20, 40), bool)
    region[8:12, 8:12] = region[8:12, 16:19] = region[8:12, 30:34] = True
    large, small = Window(0, 0, 20, 36), Window(6, 14, 8, 8)
    first, second = shares([large, small], region)
    expected = np.zeros_like(region)
    expected[8:12, 16:19] = True
    np.testing.assert_array_equal(second, expected)
    np.testing.assert_array_equal(first, region & ~expected)


def test_whole_frame():
    assert whole_frame((97, 131, 3)) == [Window(0, 0, 97, 131)]
    assert np.zeros((97, 131))[Window(1, 2, 3, 4).slices].shape == (3, 4)


@settings(deadline=None)
@given(labels(), CROPS, st.integers(0, 20))
def test_windows_are_disjoint_inside_and_hold_every_defect_with_its_halo(label, crop, halo):
    windows = defect_windows(label, crop, halo)
    covered = np.zeros(label.shape, int)
    for top, left, height, width in ((w.top, w.left, w.height, w.width) for w in windows):
        assert top >= 0
        assert left >= 0
        assert top + height <= label.shape[0]
        assert left + width <= label.shape[1]
        covered[top : top + height, left : left + width] += 1
    assert covered.max() == 1
    for row, column in np.argwhere(defects(label)):
        near = slice(max(row - halo, 0), row + halo + 1), slice(max(column - halo, 0), column + halo + 1)
        assert (covered[near] == 1).all()


@settings(deadline=None)
@given(labels(), CROPS, st.integers(0, 20), st.booleans())
def test_windows_share_a_region_out_without_rest(label, crop, halo, disjoint):
    region = edit_region(label, halo)
    windows = defect_windows(label, crop, halo, disjoint)
    parts = shares(windows, region)
    np.testing.assert_array_equal(sum(part.astype(int) for part in parts), region if windows else 0)
    for window, part in zip(windows, parts, strict=True):
        part[window.slices] = False
        assert not part.any()


@settings(deadline=None)
@given(labels(), CROPS)
def test_windows_are_as_large_as_asked_and_square_where_the_photograph_allows(label, crop):
    for window in defect_windows(label, crop):
        side = max(window.height, window.width)
        assert side >= min(crop.smallest, max(label.shape))
        assert window.height == min(side, label.shape[0])
        assert window.width == min(side, label.shape[1])


@settings(deadline=None)
@given(labels(), CROPS)
def test_every_window_holds_a_defect(label, crop):
    assert all(defects(label)[window.slices].any() for window in defect_windows(label, crop))


@settings(deadline=None)
@given(*[st.builds(Window, *[st.integers(0, 12)] * 2, *[st.integers(1, 6)] * 2) for _ in range(2)])
def test_overlap_is_a_common_pixel(one, other):
    canvases = [np.zeros((20, 20), bool) for _ in range(2)]
    for canvas, window in zip(canvases, (one, other), strict=True):
        canvas[window.slices] = True
    assert one.overlaps(other) == other.overlaps(one) == bool((canvases[0] & canvases[1]).any())


def test_many_defects_take_no_time():
    label = np.zeros((1000, 1000), np.uint8)
    for row, column in itertools.product(range(5, 1000, 20), repeat=2):
        label[row, column] = 1
    assert len(defect_windows(label, CropSettings(smallest=8))) == 2500
