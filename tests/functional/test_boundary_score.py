"""Boundary F1 by hand, and against a retelling pixel by pixel and one with SciPy's morphology."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_erosion, distance_transform_edt

from mmseg_ext.functional.boundary_score import boundary_f1, contour_counts, inner_contours

CLASSES = 3
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@st.composite
def scenes(draw) -> tuple[np.ndarray, np.ndarray]:
    """A prediction and a label with ignored pixels."""
    size = draw(SIZES)
    pred = draw(arrays(np.int64, size, elements=st.integers(0, CLASSES - 1)))
    label = draw(arrays(np.int64, size, elements=st.sampled_from([0, 0, 1, 2, 255])))
    return pred, label


def told_counts(pred: np.ndarray, label: np.ndarray, tolerance: float) -> list[list[int]]:
    """The definition, one pixel after the other."""
    pixels = list(np.ndindex(*label.shape))
    valid = {p for p in pixels if label[p] != 255}
    rim = {p for p in pixels if any(max(abs(p[0] - y), abs(p[1] - x)) < 2 for y, x in set(pixels) - valid)}

    def contour(values: np.ndarray, index: int) -> set:
        sides = {p: [(p[0] + y, p[1] + x) for y, x in ((0, 1), (1, 0), (0, -1), (-1, 0))] for p in valid}
        own = {p for p in valid if values[p] == index}
        return {p for p in own if any(q in valid and values[q] != index for q in sides[p])}

    def row(index: int) -> list[int]:
        ours, theirs = contour(pred, index), contour(label, index)
        hit = [
            sum(any(math.dist(p, q) <= tolerance for q in other) for p in one - rim)
            for one, other in ((ours, theirs), (theirs, ours))
        ]
        return [hit[0], len(ours - rim), hit[1], len(theirs - rim)]

    return [row(index) for index in range(CLASSES)]


@settings(max_examples=80, deadline=None)
@given(scenes(), st.sampled_from([0, 1, 1.5, 2, 3.7]))
def test_counts_equal_the_retelling(scene, tolerance):
    assert contour_counts(*scene, CLASSES, tolerance).tolist() == told_counts(*scene, tolerance)


@pytest.mark.parametrize('seed', range(3))
def test_counts_equal_those_of_erosion_and_distances(seed):
    """Nothing ignored: one-hot maps eroded by a cross, and SciPy's distances to what is left."""
    rng = np.random.default_rng(seed)
    pred, label = (np.kron(rng.integers(0, 3, (6, 8)), np.ones((7, 5), int)) for _ in range(2))
    for index, row in enumerate(contour_counts(pred, label, 3, 2.0)):
        ours, theirs = (m & ~binary_erosion(m, border_value=1) for m in (pred == index, label == index))
        hits = (
            (ours & (distance_transform_edt(~theirs) <= 2)).sum(),
            (theirs & (distance_transform_edt(~ours) <= 2)).sum(),
        )
        assert row.tolist() == [hits[0], ours.sum(), hits[1], theirs.sum()]


@settings(max_examples=60, deadline=None)
@given(scenes(), st.integers(0, 10**6))
def test_what_is_predicted_on_ignored_pixels_changes_nothing(scene, seed):
    pred, label = scene
    other = np.where(label == 255, np.random.default_rng(seed).integers(0, CLASSES, label.shape), pred)
    assert np.array_equal(contour_counts(pred, label, CLASSES, 2), contour_counts(other, label, CLASSES, 2))


@settings(max_examples=60, deadline=None)
@given(scenes(), st.floats(0, 4))
def test_a_wider_tolerance_never_hits_less_and_roles_can_be_swapped(scene, tolerance):
    pred, label = scene
    narrow, wide = (contour_counts(pred, label, CLASSES, each) for each in (tolerance, tolerance + 1))
    assert (wide >= narrow).all()
    pred = np.where(label == 255, 0, pred)
    label = np.where(label == 255, 0, label)
    swapped = contour_counts(label, pred, CLASSES, tolerance)[:, [2, 3, 0, 1]]
    assert np.array_equal(contour_counts(pred, label, CLASSES, tolerance), swapped)


def test_a_square_by_hand():
    """3 x 3 pixels, predicted one to the right: 8 contour pixels each, of which 4 coincide."""
    label = np.zeros((9, 9), np.int64)
    label[3:6, 3:6] = 1
    pred = np.roll(label, 1, 1)
    assert contour_counts(pred, label, 2, 0)[1].tolist() == [4, 8, 4, 8]
    assert contour_counts(pred, label, 2, 1)[1].tolist() == [8, 8, 8, 8]
    # The background's is the ring around it without corners, 12 pixels.
    assert contour_counts(pred, label, 2, 0)[0].tolist() == [4, 12, 4, 12]


def test_two_classes_that_touch_have_a_contour_each():
    label = np.array([[1, 1, 1, 2, 2, 2]])
    assert inner_contours(label, label != 255).tolist() == [[False, False, True, True, False, False]]
    assert contour_counts(label, label, 3, 0).tolist() == [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]


def test_an_ignored_pixel_makes_no_contour_and_takes_its_neighbours_along():
    label = np.array([[1, 1, 255, 0, 0, 1, 1]])
    assert inner_contours(label, label != 255).tolist() == [[False] * 4 + [True, True, False]]
    label = np.array([[1, 1, 255, 0, 1, 1, 1]])
    assert contour_counts(label, label, 2, 0).tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_a_partner_beside_an_ignored_pixel_is_found():
    label, pred = np.array([[255, 0, 1, 1, 1, 1]]), np.array([[0, 0, 0, 1, 1, 1]])
    assert contour_counts(pred, label, 2, 1).tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]


def test_f1_is_a_mean_over_the_images_that_have_a_contour():
    counts = np.zeros((3, 3, 4), np.int64)
    counts[0, 0] = 1, 2, 3, 4  # P 1/2, R 3/4, F 3/5
    counts[1, 0] = 0, 0, 0, 5  # missed
    counts[2, 1] = 0, 7, 0, 0  # made up
    assert boundary_f1(counts) == pytest.approx([(0.6 + 0) / 2, 0, math.nan], nan_ok=True)


def test_dilation_of_a_box_narrower_than_the_tolerance():
    label = np.zeros((4, 30), np.int64)
    label[1, 3], label[2, 25] = 1, 1
    assert contour_counts(np.roll(label, 9, 1), label, 2, 9)[1].tolist() == [2, 2, 1, 2]
