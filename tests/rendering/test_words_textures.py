"""Each word has its own looks, whatever the random stream."""

import cv2
import numpy as np
import pytest

from mmseg_ext.rendering import WORDS, add_word
from mmseg_ext.rendering.textures import CANVAS, TEXTURES, discs, flaked_off, ramp

CENTRE = np.array([64.0, 64.0])
SEEDS = range(8)


@pytest.fixture(scope='module')
def drawn() -> dict[str, list[np.ndarray]]:
    """Word -> Lab colours (N, 3) of its region on level grey, minus the grey, one array a seed."""
    grey, label = np.full((128, 128, 3), 120, np.uint8), np.zeros((128, 128), np.uint8)
    base = lab(grey)[0, 0]
    results = {word: [add_word(grey, label, word, np.random.default_rng(k)) for k in SEEDS] for word in WORDS}
    return {word: [lab(image)[region] - base for image, region in found] for word, found in results.items()}


def lab(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


@pytest.mark.parametrize('word', WORDS)
def test_layers_have_their_shapes_and_ranges(word):
    for seed in SEEDS:
        texture = TEXTURES[word](np.random.default_rng(seed), CENTRE)
        for name in ('cover', 'keep', 'height', 'gloss'):
            assert getattr(texture, name).shape == (CANVAS, CANVAS)
        assert texture.colour.shape == (CANVAS, CANVAS, 3)
        assert 0 <= texture.cover.min() < texture.cover.max() <= 1
        assert 0 <= texture.keep.min() <= texture.keep.max() <= 1
        assert texture.gloss.min() >= 0
        assert all(np.isfinite(layer).all() for layer in vars(texture).values())


def test_rust_is_orange_brown(drawn):
    for colours in drawn['rust']:
        assert colours[:, 1].mean() > 5  # a: green to red
        assert colours[:, 2].mean() > 12  # b: blue to yellow


def test_corrosion_is_green_and_has_dark_pits(drawn):
    for colours in drawn['corrosion']:
        assert colours[:, 1].mean() < -3
        assert (colours[:, 0] < -25).mean() > 0.03


def test_scratches_are_bright_lines_without_colour(drawn):
    for colours in drawn['scratch']:
        assert np.quantile(colours[:, 0], 0.97) > 10
        assert np.abs(colours[:, 1:]).max() < 3


@pytest.mark.parametrize('word', ['blistering', 'dent'])
def test_bumps_and_hollows_have_light_and_shade_but_no_colour(drawn, word):
    for colours in drawn[word]:
        assert np.quantile(colours[:, 0], 0.97) > 8
        assert np.quantile(colours[:, 0], 0.03) < -8
        assert np.abs(colours[:, 1:]).max() < 3


def test_peeling_shows_one_ground_and_brightens_its_rims(drawn):
    for colours in drawn['peeling']:
        assert np.quantile(np.linalg.norm(colours, axis=1), 0.5) > 8
        assert np.quantile(colours[:, 0], 0.97) > 8


def tops(field: np.ndarray) -> int:
    """Local maxima of a relief that rise by a pixel and more."""
    highest = cv2.dilate(field, np.ones((5, 5), np.uint8))
    return cv2.connectedComponents(((field == highest) & (field > 1)).astype(np.uint8))[0] - 1


def test_a_dent_is_one_hollow_and_blisters_are_several_bumps():
    for seed in SEEDS:
        assert tops(-TEXTURES['dent'](np.random.default_rng(seed), CENTRE).height) == 1
        assert tops(TEXTURES['blistering'](np.random.default_rng(seed), CENTRE).height) >= 5


def test_discs_keep_their_distance():
    found = discs(np.random.default_rng(0), CENTRE, 40, np.full(30, 5.0), 1.1)
    assert len(found) > 10
    for k, one in enumerate(found):
        assert np.hypot(*(one[:2] - CENTRE)) <= 40
        assert all(np.hypot(*(one - other)[:2]) > 11 for other in found[:k])


def test_where_no_second_disc_fits_there_is_one():
    assert len(discs(np.random.default_rng(0), CENTRE, 2, np.full(5, 10.0), 1.0)) == 1


def test_colours_of_a_ramp():
    tones = ((0.0, 0.0, 0.0), (1.0, 0.5, 0.0), (2.0, 2.0, 2.0))
    place = np.array([[-1.0, 0.25, 0.5, 0.75, 3.0]])
    expected = [[0, 0, 0], [0.5, 0.25, 0], [1, 0.5, 0], [1.5, 1.25, 1], [2, 2, 2]]
    assert ramp(tones, place)[0] == pytest.approx(np.array(expected))


def test_something_always_flakes_off_and_only_near_the_patch():
    y, x = np.mgrid[:CANVAS, :CANVAS].astype(np.float32) - 64
    for seed in SEEDS:
        bare = flaked_off(np.random.default_rng(seed), 18 - np.hypot(x, y), 10)
        assert 50 < bare.sum() < 4000
        assert np.hypot(x, y)[bare].max() < 45
