"""Defects drawn by hand: one letter a pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmseg_ext.functional.components import count_components


def drawn(text: str) -> np.ndarray:
    return np.array([[pixel == '#' for pixel in row] for row in text.split()])


EMPTY = '.... .... ....'


@pytest.mark.parametrize(
    ('predicted', 'true', 'expected'),
    [
        (EMPTY, EMPTY, (0, 0, 0)),
        (EMPTY, '#... ..## ...#', (0, 2, 0)),
        ('#... ..## ...#', EMPTY, (0, 0, 2)),
        ('#... .... ....', '##.. ...# ...#', (1, 2, 0)),
        ('#... .... ....', '#... .#.. ..#.', (1, 1, 0)),  # touching at corners is one component
        ('.... ..#. ...#', '#... .... #...', (0, 2, 1)),
        ('.#.. .... ....', '#... .... ....', (0, 1, 1)),  # beside it is not on it
        ('#### .... ....', '#..# .... ....', (2, 2, 0)),  # one prediction may find two
        ('#.## .... ....', '##.. .... ....', (1, 1, 1)),
        ('#.#. .... ....', '###. .... ....', (1, 1, 0)),  # two predictions on one defect are no false alarm
        ('.... .... ...#', '.... .... ...#', (1, 1, 0)),  # the last pixel
    ],
)
def test_counts(predicted, true, expected):
    assert count_components(drawn(predicted), drawn(true)) == expected


@pytest.mark.parametrize(('min_overlap', 'found'), [(0, 1), (0.1, 1), (0.3, 1), (0.31, 0), (1, 0)])
def test_found_from_a_share_on(min_overlap, found):
    true, predicted = np.zeros((2, 3, 10), dtype=bool)
    true[1], predicted[1, :3] = True, True
    assert count_components(predicted, true, min_overlap) == (found, 1, 0)


def test_full_overlap_can_be_asked_for():
    true = drawn('.##. .##. ....')
    assert count_components(true, true, min_overlap=1).found == 1


def test_a_share_is_exact_where_a_product_is_not():
    true, predicted = np.zeros((2, 1, 100), dtype=bool)
    true[0], predicted[0, :7] = True, True
    assert 0.07 * 100 > 7
    assert count_components(predicted, true, min_overlap=0.07).found == 1


def flood(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Components by the book: grow from each pixel over its eight neighbours."""
    left, components = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}, []
    while left:
        border = {left.pop()}
        components.append(set(border))
        while border:
            border = {(y + dy, x + dx) for y, x in border for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= border
            components[-1] |= border
    return components


MASKS = arrays(bool, (6, 7), elements=st.sampled_from([False, False, True]))


@settings(deadline=None, max_examples=100)
@given(MASKS, MASKS, st.sampled_from([0, 0.5, 1]))
def test_equals_a_flood_fill(predicted, true, min_overlap):
    defects, blobs = flood(true), flood(predicted)
    hits = [sum(predicted[pixel] for pixel in defect) for defect in defects]
    found = sum(hit > 0 and hit / len(defect) >= min_overlap for hit, defect in zip(hits, defects, strict=True))
    alarms = sum(not any(true[pixel] for pixel in blob) for blob in blobs)
    assert count_components(predicted, true, min_overlap) == (found, len(defects), alarms)
