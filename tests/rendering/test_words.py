"""A word in a picture: what changes, what never does, and where the light comes from."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ext.errors import UsageError
from mmseg_ext.rendering import WORDS, add_word
from mmseg_ext.rendering.textures import CANVAS, Texture
from mmseg_ext.rendering.words import around_level, draw_key, enlarged, relief

GREY = 120


def plate(height: int = 128, width: int = 128, seed: int = 0) -> np.ndarray:
    """Grey metal with a little noise, (height, width, 3)."""
    noise = np.random.default_rng(seed).normal(0, 3, (height, width, 1))
    return np.clip(GREY + noise + np.zeros(3), 0, 255).astype(np.uint8)


def bar(height: int = 128, width: int = 128, value: int = 2) -> np.ndarray:
    """A label with a defect of 24 x 6 pixels in the middle."""
    label = np.zeros((height, width), np.uint8)
    label[height // 2 - 3 : height // 2 + 3, width // 2 - 12 : width // 2 + 12] = value
    return label


def test_the_words_are_the_six_of_the_editor():
    assert WORDS == ('scratch', 'rust', 'peeling', 'corrosion', 'blistering', 'dent')


@pytest.mark.parametrize('word', WORDS)
@pytest.mark.parametrize('seed', range(6))
def test_the_picture_changes_in_the_region_and_nowhere_else(word, seed):
    image, label = plate(), bar()
    before = image.copy()
    result, region = add_word(image, label, word, np.random.default_rng(seed))
    changed = (result != image).any(-1)
    assert np.array_equal(image, before)
    assert (result.dtype, region.dtype) == (np.uint8, bool)
    assert not changed[~region].any()
    assert changed[region].mean() > 0.7
    assert not region[label > 0].any()
    assert 150 < region.sum() < 0.4 * region.size


@pytest.mark.parametrize('word', WORDS)
def test_the_texture_lies_around_the_defect(word):
    for seed in range(12):
        _, region = add_word(plate(), bar(), word, np.random.default_rng(seed))
        near = cv2.distanceTransform((bar() == 0).astype(np.uint8), cv2.DIST_L2, 5)[region]
        assert near.min() < 12
        assert np.median(near) < 32


@settings(max_examples=25, deadline=None)
@given(st.integers(24, 200), st.integers(24, 200), st.sampled_from(WORDS), st.integers(0, 99), st.booleans())
def test_pictures_of_every_shape_with_and_without_a_defect(height, width, word, seed, has_defect):
    image, label = plate(height, width), np.zeros((height, width), np.uint8)
    if has_defect:
        label[height // 3 : height // 3 + 4, width // 4 : width // 4 + 7] = 1
    result, region = add_word(image, label, word, np.random.default_rng(seed))
    assert result.shape == image.shape
    assert region.shape == label.shape
    assert region.any()
    assert np.array_equal(result[~region], image[~region])
    assert not region[label > 0].any()


def test_one_stream_gives_one_picture():
    first, again, other = (add_word(plate(), bar(), 'rust', np.random.default_rng(k))[0] for k in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_unknown_word_is_told_with_the_known_ones():
    with pytest.raises(UsageError, match=r"no texture for the word 'mould'; there are scratch, rust, .*dent"):
        add_word(plate(), bar(), 'mould', np.random.default_rng(0))


def test_ignored_pixels_are_no_defect():
    label = np.zeros((128, 128), np.uint8)
    label[:10] = 255
    ignored = add_word(plate(), label, 'dent', np.random.default_rng(3))
    clean = add_word(plate(), 0 * label, 'dent', np.random.default_rng(3))
    assert np.array_equal(ignored[0], clean[0])
    assert np.array_equal(ignored[1], clean[1])


def test_far_defects_are_dressed_each_and_near_ones_together():
    label = np.zeros((128, 512), np.uint8)
    label[60:68, 60:70] = 1
    label[60:68, 440:450] = 2
    region = add_word(plate(128, 512), label, 'dent', np.random.default_rng(0))[1]
    assert region[:, :128].any()
    assert region[:, 384:].any()
    assert not region[:, 160:352].any()
    label[60:68, 440:450], label[60:68, 84:94] = 0, 2
    count = cv2.connectedComponents(add_word(plate(128, 512), label, 'dent', np.random.default_rng(0))[1]
                                    .astype(np.uint8) | (label > 0))[0]  # fmt: skip
    assert count == 2  # the background and one dent, in which both defects lie


def test_a_larger_defect_has_a_larger_texture():
    small = np.zeros((512, 512), np.uint8)
    small[250:262, 246:266] = 2
    large = np.zeros((512, 512), np.uint8)
    large[250:262, 176:336] = 2
    areas = [
        np.mean([add_word(plate(512, 512), label, 'dent', np.random.default_rng(k))[1].sum() for k in range(6)])
        for label in (small, large)
    ]
    assert areas[1] > 5 * areas[0]


def test_the_dark_behind_the_part_carries_no_texture():
    image = plate()
    image[:, :50] = 12
    for word in WORDS:
        region = add_word(image, bar(), word, np.random.default_rng(1))[1]
        assert region.any()
        assert not region[:, :46].any()


def test_the_defect_does_not_brighten_the_metal_around():
    light = np.full((60, 60, 3), 0.2, np.float32)
    light[28:32, 28:32] = 1
    metal = np.ones((60, 60), bool)
    metal[28:32, 28:32] = False
    assert around_level(light, metal) == pytest.approx(np.full((60, 60, 1), 0.2), abs=1e-4)


def hill(up: float) -> Texture:
    """A round rise of ``up`` pixels in the middle of the canvas, a hollow where it is negative."""
    y, x = np.mgrid[:CANVAS, :CANVAS].astype(np.float32) - CANVAS / 2
    height = up * np.exp(-(x * x + y * y) / 200).astype(np.float32)
    one = np.ones((CANVAS, CANVAS), np.float32)
    return Texture(one, np.dstack([one] * 3), height, one, one)


def test_a_rise_is_lit_from_the_lamp_and_a_hollow_from_the_other_side():
    key = (math.sqrt(0.5), 0.0, math.sqrt(0.5))  # from the right
    middle, off = CANVAS // 2, 10
    for up in (6, -6):
        lit = relief(hill(up), key)[0]
        assert np.sign(lit[middle, middle + off] - 1) == np.sign(up)
        assert np.sign(lit[middle, middle - off] - 1) == -np.sign(up)
        assert lit[4, 4] == pytest.approx(1, abs=1e-3)


def test_a_level_skin_has_no_highlight():
    spark = relief(hill(0), draw_key(np.random.default_rng(0)))[1]
    assert spark.max() < 1e-6
    assert relief(hill(6), draw_key(np.random.default_rng(0)))[1].max() > 0.1


def test_slopes_do_not_change_with_the_size_of_the_window():
    key = draw_key(np.random.default_rng(1))
    factors = [relief(enlarged(hill(6), side), key)[0] for side in (64, CANVAS, 256)]
    ranges = [(factor.min(), factor.max()) for factor in factors]
    assert ranges[0] == pytest.approx(ranges[1], abs=0.08)
    assert ranges[2] == pytest.approx(ranges[1], abs=0.08)


def test_lamps_are_unit_directions_above_the_part():
    for k in range(20):
        key = draw_key(np.random.default_rng(k))
        assert np.linalg.norm(key) == pytest.approx(1)
        assert 0.4 < key[2] < 0.75
