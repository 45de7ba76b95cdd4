"""Labels become polygons and the same labels again, whatever they look like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.path import Path
from scipy import ndimage

from augment.labels.polygons import filled, layers, outline, paint, simplified

ANY_LABEL = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 10), st.integers(1, 10)), elements=st.sampled_from([0, 1, 2, 255])
)
MASKS = hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def inside(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre is in the polygon, by matplotlib."""
    rows, columns = np.indices(shape) + 0.5
    closed = Path(np.vstack([polygon, polygon[:1]]))
    return closed.contains_points(np.stack([columns.ravel(), rows.ravel()], 1)).reshape(shape)


def part_without_holes(mask: np.ndarray, corners_touch: bool) -> np.ndarray:
    """The first connected part of a mask, its holes filled."""
    square, cross = np.ones((3, 3), bool), ndimage.generate_binary_structure(2, 1)
    numbers, _ = ndimage.label(mask, square if corners_touch else cross)
    return ndimage.binary_fill_holes(numbers == 1, cross if corners_touch else square)


def test_outline_of_one_pixel():
    mask = np.zeros((4, 5), bool)
    mask[1, 3] = True
    assert outline(mask).tolist() == [[3, 1], [4, 1], [4, 2], [3, 2]]


def test_outline_of_an_angle():
    assert outline(np.array([[1, 0], [1, 1]], bool)).tolist() == [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [0, 2]]


def test_pixels_that_meet_at_a_corner_have_one_outline_or_two():
    mask = np.array([[1, 0], [0, 1]], bool)
    assert outline(mask).tolist() == [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [1, 2], [1, 1], [0, 1]]
    assert outline(mask, corners_touch=False).tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]


@settings(deadline=None, max_examples=200)
@given(MASKS.filter(np.any), st.booleans())
def test_outline_encloses_the_part(mask, corners_touch):
    part = part_without_holes(mask, corners_touch)
    border = outline(part, corners_touch)
    np.testing.assert_array_equal(inside(border, part.shape), part)
    np.testing.assert_array_equal(filled(border, part.shape), part)
    steps = np.abs(np.diff(border, axis=0, append=border[:1]))
    assert ((steps == 0).sum(1) == 1).all(), 'corners only, joined along the sides of pixels'


@settings(deadline=None, max_examples=200)
@given(MASKS.filter(np.any))
def test_fewer_corners_enclose_the_same_pixels(mask):
    part = part_without_holes(mask, corners_touch=True)
    corners = outline(part)
    fewer = simplified(corners)
    assert 3 <= len(fewer) <= len(corners)
    np.testing.assert_array_equal(inside(fewer, part.shape), part)


def test_stairs_become_a_line():
    triangle = np.tri(40, dtype=bool)
    assert len(outline(triangle)) == 80 + 2
    assert len(simplified(outline(triangle))) <= 6
    assert len(simplified(outline(triangle[::-1, ::-1].repeat(2, 1)))) <= 6


def test_a_box_stays_a_box():
    assert sorted(simplified(outline(np.ones((3, 8), bool))).tolist()) == [[0, 0], [0, 3], [8, 0], [8, 3]]


def test_no_line_is_lost_that_a_pixel_hangs_on():
    pixel = outline(np.ones((1, 1), bool))
    assert simplified(pixel).tolist() == pixel.tolist(), 'half a square has the centre on its side'


@settings(deadline=None, max_examples=300)
@given(ANY_LABEL)
def test_layers_give_back_the_label(label):
    found = layers(label)
    np.testing.assert_array_equal(paint(found, label.shape), label)
    again = np.zeros_like(label)
    for value, polygon in found:
        again[inside(polygon, label.shape)] = value
    np.testing.assert_array_equal(again, label)


def test_a_diagonal_crack_is_one_layer():
    assert [value for value, _ in layers(np.eye(30, dtype=np.uint8) * 2)] == [2]


def test_holes_are_layers_of_what_is_in_them():
    label = np.zeros((9, 9), np.uint8)
    label[1:8, 1:8] = 1
    label[2:7, 2:7] = 0
    label[4, 4] = 255
    assert [value for value, _ in layers(label)] == [1, 0, 255]


def test_background_at_the_border_needs_no_layer():
    label = np.ones((5, 5), np.uint8)
    label[0, 0] = label[4, 2] = 0
    assert [value for value, _ in layers(label)] == [1]


def test_two_classes_that_cross_corner_to_corner():
    # A chess board: either class as one part has the other in its holes, so neither can be the upper one.
    label = np.array([[1, 2, 1], [2, 1, 2], [1, 2, 1]], np.uint8)
    found = layers(label)
    assert len(found) == 9
    np.testing.assert_array_equal(paint(found, label.shape), label)


def test_a_star_by_the_even_odd_rule_and_beyond_the_picture():
    star = np.array([[5.2, -2.0], [8.6, 9.3], [-0.7, 2.1], [11.4, 2.2], [2.1, 9.4]])
    found = filled(star, (8, 9))
    np.testing.assert_array_equal(found, inside(star, (8, 9)))
    assert found.any()
    assert not found[4, 5], 'the middle is outside by this rule'


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(*[st.integers(-30, 90)] * 2), min_size=3, max_size=8), st.integers(1, 9))
def test_any_polygon_is_filled_as_by_matplotlib(points, size):
    # Eighths plus a little: no centre is exactly on a line, where libraries may differ.
    polygon = np.array(points) / 8 + 0.0123 * np.array([1, np.sqrt(2)])
    np.testing.assert_array_equal(filled(polygon, (size, 9)), inside(polygon, (size, 9)))


@pytest.mark.parametrize('shape', [(1, 1), (1, 7), (300, 2)])
def test_a_picture_full_of_one_class(shape):
    label = np.full(shape, 3, np.uint8)
    ((value, polygon),) = layers(label)
    assert value == 3
    assert sorted(polygon.tolist()) == sorted([[0, 0], [shape[1], 0], [shape[1], shape[0]], [0, shape[0]]])


def test_nothing_labelled_is_no_layer():
    assert layers(np.zeros((4, 4), np.uint8)) == []
