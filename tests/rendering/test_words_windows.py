"""Windows and their captions: a defect in the middle, the right noun, a word that does not depend on it."""

from collections import Counter

import numpy as np
import pytest

from mmseg_ext.rendering import WORDS
from mmseg_ext.rendering.captions import (
    ANY,
    CLEAN,
    GENERAL,
    KINDS,
    NOUNS,
    PLAIN,
    caption,
    draw_kind,
    draw_noun,
    draw_word,
)
from mmseg_ext.rendering.windows import WordWindow, draw_windows, is_central

LABELS = {'deposit': {1}, 'crack': {2}, 'chip': {2}, CLEAN: set()}


@pytest.fixture(scope='module')
def found() -> list[WordWindow]:
    return [window for blade in range(6) for window in draw_windows((4, blade), 128)]


def test_windows_have_their_shapes_types_and_values(found):
    assert len(found) > 20
    for window in found:
        assert window.image.shape == (128, 128, 3)
        assert window.label.shape == window.region.shape == (128, 128)
        assert (window.image.dtype, window.label.dtype, window.region.dtype) == (np.uint8, np.uint8, bool)


def test_the_noun_says_what_is_labelled(found):
    for window in found:
        shown = set(np.unique(window.label)) - {0}
        assert shown in ([{1}, {2}] if window.noun == ANY else [LABELS[window.noun]])


def test_defects_lie_in_the_middle_third_and_are_small(found):
    for window in found:
        if window.noun != CLEAN:
            rows, columns = np.nonzero(window.label)
            for found_along in (rows, columns):  # a pixel of tolerance: the window was brought to its size
                assert 41.7 <= (found_along.min() + found_along.max()) / 2 <= 86.3
            assert 15 < len(rows) < 1200


def test_there_is_a_region_where_there_is_a_word_and_never_on_the_defect(found):
    for window in found:
        assert window.region.any() == (window.word is not None)
        assert not window.region[window.label > 0].any()


def test_defects_stand_out_from_the_metal(found):
    for window in found:
        defect, other = window.label > 0, (window.label == 0) & ~window.region
        if defect.any():
            difference = window.image[defect].mean(0) - np.median(window.image[other], 0)
            assert np.abs(difference).max() > 8


def test_the_same_stream_gives_the_same_windows(found):
    again = draw_windows((4, 0), 128)
    for one, other in zip(again, found, strict=False):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.region, other.region)
        assert (one.noun, one.word) == (other.noun, other.word)


@pytest.mark.parametrize('size', [64, 200])
def test_other_sizes_show_the_same_things(found, size):
    windows = draw_windows((4, 0), size)
    assert windows
    assert all(window.image.shape == (size, size, 3) for window in windows)
    assert [len(set(np.unique(window.label))) for window in windows] == [
        len(set(np.unique(window.label))) for window in found[: len(windows)]
    ]


@pytest.mark.parametrize(('row', 'kind', 'expected'), [
    (45, 'crack', True), (20, 'crack', False), (45, CLEAN, False), (None, 'crack', False), (None, CLEAN, True),
])  # fmt: skip
def test_what_is_central(row, kind, expected):
    label = np.zeros((90, 90), np.uint8)
    if row is not None:
        label[row - 2 : row + 3, 40:50] = 1
    assert is_central(label, kind) is expected


def test_captions():
    assert caption('crack', None) == 'photo of a crack'
    assert caption('crack', 'peeling') == 'photo of a crack with peeling'


def test_kinds_words_and_nouns_are_drawn_as_often_as_said_and_apart():
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(20000):
        kind = draw_kind(rng)
        drawn.append((kind, draw_noun(rng, kind), draw_word(rng)))
    total, pairs = len(drawn), Counter((noun, word) for _, noun, word in drawn)
    kinds, nouns, words = (Counter(column) for column in zip(*drawn, strict=True))
    assert {kind: count / total for kind, count in kinds.items()} == pytest.approx(KINDS, abs=0.015)
    assert set(nouns) == set(NOUNS)
    assert nouns[ANY] / total == pytest.approx(GENERAL * (1 - KINDS[CLEAN]), abs=0.01)
    assert words[None] / total == pytest.approx(PLAIN, abs=0.015)
    assert all(words[word] / total == pytest.approx((1 - PLAIN) / 6, abs=0.012) for word in WORDS)
    for (noun, word), count in pairs.items():
        assert count / total == pytest.approx(nouns[noun] * words[word] / total**2, abs=0.01)
