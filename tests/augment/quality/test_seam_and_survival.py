"""The edge of an edit, the contrast of a defect, and the fingerprint: worked out by hand on small pictures."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from augment.quality.fingerprint import bits_between, bounds, fingerprint
from augment.quality.seam import seam_ratio, steps
from augment.quality.survival import contrast, survival

SIZE = (24, 30)


def flat(value: float) -> np.ndarray:
    return np.full((*SIZE, 3), value, np.uint8)


def box(top: int = 8, left: int = 10, height: int = 6, width: int = 7) -> np.ndarray:
    region = np.zeros(SIZE, bool)
    region[top : top + height, left : left + width] = True
    return region


def stripes(step: int) -> np.ndarray:
    """Columns of 100 and 100 + step in turn: any two side by side differ by ``step``, one above the other by 0."""
    image = flat(100)
    image[:, ::2] += step
    return image


# --- seam ---


def test_a_step_for_every_pair_across_the_border():
    assert len(steps(flat(0), box())) == 2 * (6 + 7)
    assert len(steps(flat(0), box(top=0, left=0))) == 6 + 7  # the edge of the photograph is no border
    assert set(steps(stripes(8), box())) == {0.0, 8.0}


def test_seam_of_a_patch_that_is_brighter():
    """Before: 12 of 26 pairs lie side by side and differ by 26, mean 12. After: the patch is 60 brighter."""
    before = stripes(26)
    after = np.where(box()[..., None], before + 60, before).astype(np.uint8)
    side = [abs(60 - 26), 60 + 26]  # the patch begins on a bright column and ends on a bright one
    assert before[0, 10, 0] == before[0, 16, 0] == 126
    expected = (12 * side[1] + 14 * 60) / 26
    assert seam_ratio(before, after, box()) == pytest.approx(expected / 12)


def test_an_edit_that_fades_out_has_no_seam():
    after = stripes(26)
    after[box(10, 12, 2, 3)] = 255  # changes inside, but not beside the border
    assert seam_ratio(stripes(26), after, box()) == 1


def test_steps_that_nobody_sees_count_as_one_grey_level():
    after = flat(100)
    after[box()] += 3
    assert seam_ratio(flat(100), after, box()) == 3
    assert seam_ratio(after, flat(100), box()) == pytest.approx(1 / 3)


def test_no_border_no_seam():
    for region in (np.zeros(SIZE, bool), np.ones(SIZE, bool)):
        assert math.isnan(seam_ratio(flat(0), flat(9), region))


# --- survival ---


def defect(value: int, background: int = 120) -> np.ndarray:
    image = flat(background)
    image[box()] = value
    return image


def test_contrast_is_the_step_between_defect_and_ring():
    everything = np.ones(SIZE, bool)
    assert contrast(defect(80), box(), everything) == 40
    coloured = flat(120)
    coloured[box()] = (150, 120, 80)
    assert contrast(coloured, box(), everything) == pytest.approx(math.sqrt((30**2 + 40**2) / 3))


def test_only_the_ring_counts_and_only_where_it_is_scored():
    image, scored = defect(80), np.ones(SIZE, bool)
    image[:, 25:] = 255  # further than 5 pixels from column 16
    assert contrast(image, box(), scored) == 40
    image[box(8, 17, 6, 3)] = 0  # beside the defect, but not scored
    scored[box(8, 17, 6, 3)] = False
    assert contrast(image, box(), scored) == 40
    assert math.isnan(contrast(image, box(), ~np.ones(SIZE, bool)))


def test_defects_count_by_their_pixels_and_never_cancel():
    """A dark one of 42 pixels (contrast 40) and a bright one of 4 (contrast 100)."""
    image = defect(80)
    small = box(1, 1, 2, 2)
    image[small] = 220
    expected = (42 * 40 + 4 * 100) / 46
    assert contrast(image, box() | small, np.ones(SIZE, bool)) == pytest.approx(expected)


def test_a_thin_diagonal_is_one_defect():
    """Pixels of 80 and 160 in turn on 120: together they have the mean of what surrounds them."""
    image, line = flat(120), np.zeros(SIZE, bool)
    for k in range(6):
        line[8 + k, 10 + k] = True
        image[8 + k, 10 + k] = 80 if k % 2 else 160
    assert contrast(image, line, np.ones(SIZE, bool)) == pytest.approx(0)


def test_survival_by_hand():
    label = box().astype(np.uint8) * 2
    assert survival(defect(80), defect(80), label, label) == 1
    assert survival(defect(80), defect(110), label, label) == 0.25
    assert survival(defect(80), defect(160), label, label) == 1  # it became bright, and is there all the same
    assert survival(defect(80), flat(120), label, label) == 0


def test_the_new_picture_is_taken_with_the_new_label():
    label, moved = box().astype(np.uint8), box(top=15).astype(np.uint8)
    after = flat(120)
    after[moved > 0] = 100
    assert survival(defect(80), after, label, moved) == 0.5
    assert survival(defect(80), after, label, np.zeros_like(label)) == 0


def test_a_ring_that_became_ignored_still_is_the_ring():
    label = box().astype(np.uint8)
    ignoring = np.where(box(), 1, 255).astype(np.uint8)
    assert survival(defect(80), defect(100), label, ignoring) == 0.5


def test_no_survival_without_a_visible_defect():
    label = box().astype(np.uint8)
    assert math.isnan(survival(flat(120), defect(80), label, label))
    assert math.isnan(survival(defect(80), defect(80), label * 0, label * 0))
    assert math.isnan(survival(defect(80), defect(80), label * 255, label * 255))


@given(st.integers(2, 60), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_survival_grows_with_what_is_left_of_the_defect(depth, share):
    label = box().astype(np.uint8)
    left = round(depth * share)
    assert survival(defect(120 - depth), defect(120 - left), label, label) == pytest.approx(left / depth)


# --- fingerprint ---


def test_a_picture_that_rises_to_the_right_has_every_bit():
    rising = np.repeat(np.arange(0, 90, 3, dtype=np.uint8)[None, :, None], 24, 0).repeat(3, 2)
    assert fingerprint(rising) == 2**64 - 1
    assert fingerprint(rising[:, ::-1]) == 0
    half = rising.copy()
    half[12:] = half[12:, ::-1]
    assert fingerprint(half) == (2**32 - 1) << 32
    assert bits_between(fingerprint(rising), fingerprint(half)) == 32


@given(hnp.arrays(np.uint8, (16, 18, 3), elements=st.integers(0, 120)), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_brightness_does_not_matter(image, more):
    assert fingerprint(image) == fingerprint(image + np.uint8(more))
    assert 0 <= bits_between(fingerprint(image), fingerprint(image[::-1])) <= 64


def test_unrelated_pictures_are_far_apart():
    rng = np.random.default_rng(0)
    marks = [fingerprint(rng.integers(0, 256, (64, 64, 3), np.uint8)) for _ in range(30)]
    distances = [bits_between(a, b) for i, a in enumerate(marks) for b in marks[:i]]
    assert min(distances) > 12
    assert 28 < np.mean(distances) < 36


def test_bounds_of_a_region():
    assert bounds(box()) == (slice(8, 14), slice(10, 17))
    assert bounds(np.zeros(SIZE, bool)) == (slice(0, 24), slice(0, 30))
