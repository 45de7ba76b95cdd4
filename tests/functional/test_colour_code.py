"""Colours are far apart as asked, labels survive painting, and probabilities are those of the formula."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ext.functional.colour_code import (
    check_palette,
    colour_logits,
    colourise,
    least_distance,
    random_palette,
    spread_palette,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(2, 6), st.integers(0, 10**6), st.floats(0, 120), st.booleans())
@settings(deadline=None, max_examples=50)
def test_random_colours_keep_their_distance(classes, seed, distance, black):
    palette = random_palette(classes, seeded(seed), (0, 0, 0) if black else None, distance)
    assert palette.shape == (classes, 3)
    assert palette.amin() >= 0
    assert palette.amax() <= 255
    assert torch.equal(palette, palette.round())
    assert torch.pdist(palette).amin() >= distance
    assert not black or palette[0].tolist() == [0, 0, 0]


def test_random_colours_are_those_of_the_seed_and_reach_the_whole_cube():
    assert torch.equal(random_palette(3, seeded(1)), random_palette(3, seeded(1)))
    drawn = torch.stack([random_palette(2, generator)[1] for generator in [seeded(2)] for _ in range(400)])
    assert len(drawn.unique(dim=0)) > 390
    assert drawn.amin() < 10
    assert drawn.amax() > 245
    assert torch.pdist(torch.cat([torch.zeros(1, 3), drawn[:1]])) >= 100


def test_random_colours_without_room_are_refused():
    with pytest.raises(ValueError, match=r'no room for 2 random colours 450 apart; lower palette\.min_distance'):
        random_palette(2, seeded(), min_distance=450)
    palette = random_palette(2, seeded(), min_distance=400)  # only corners near white are left
    assert palette[1].norm() >= 400


def test_palettes_that_have_blocked_themselves_are_begun_anew():
    for seed in range(5):
        assert torch.pdist(random_palette(6, seeded(seed), min_distance=170)).amin() >= 170


def test_fixed_colours():
    assert spread_palette(2).tolist() == [[0, 0, 0], [255, 255, 255]]
    assert spread_palette(2, (255, 255, 255)).tolist() == [[255, 255, 255], [0, 0, 0]]
    assert torch.pdist(spread_palette(8)).amin() >= 255  # the corners of the cube
    assert torch.pdist(spread_palette(27)).amin() >= 127
    assert torch.pdist(spread_palette(8, (1, 1, 1))).amin() >= 253
    assert torch.pdist(spread_palette(255)).amin() >= 42


@pytest.mark.parametrize(
    ('palette', 'said'),
    [
        ([[0, 0, 0], [0, 0, 0]], r'classes 0 and 1 have colours \[0.0, 0.0, 0.0\] and .* 0 apart'),
        ([[0, 0, 0], [9, 9, 9], [9, 9, 9]], 'classes 1 and 2'),
        ([[0, 0, 0], [256, 0, 0]], 'from 0 to 255'),
        ([[-1, 0, 0], [25, 0, 0]], 'from 0 to 255'),
        ([[0, 0, 0]], '2 classes need as many'),
    ],
)
def test_palettes_that_cannot_be_told_apart_are_refused(palette, said):
    palette = torch.tensor(palette, dtype=torch.float32)
    with pytest.raises(ValueError, match=said):
        check_palette(palette, max(2, len(palette)))
    check_palette(torch.tensor([[0.0, 0, 0], [1, 0, 0]]), 2)


def test_each_sample_is_painted_with_its_own_palette():
    palette = torch.tensor([[[0, 0, 0], [10, 20, 30]], [[1, 2, 3], [40, 50, 60]]], dtype=torch.float32)
    label = torch.tensor([[[0, 1]], [[1, 255]]])
    painted = colourise(label, palette)
    assert painted.shape == (2, 3, 1, 2)
    assert painted[0, :, 0].T.tolist() == [[0, 0, 0], [10, 20, 30]]
    assert painted[1, :, 0].T.tolist() == [[40, 50, 60], [1, 2, 3]]
    with pytest.raises(IndexError):
        colourise(torch.tensor([[[2, 0]], [[0, 0]]]), palette)


@given(st.integers(2, 6), st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_labels_survive_painting_even_when_the_paint_is_a_little_off(classes, seed):
    generator = seeded(seed)
    palette = torch.stack([random_palette(classes, generator, min_distance=60) for _ in range(2)])
    label = torch.randint(0, classes, (2, 5, 7), generator=generator)
    noise = torch.rand(2, 3, 5, 7, generator=generator) - 0.5
    painted = colourise(label, palette) + noise * 30  # at most 26 < 60 / 2 away
    assert torch.equal(colour_logits(painted, palette).argmax(1), label)


def test_logits_are_squared_distances_in_units_of_the_palette():
    palette = torch.tensor([[[0, 0, 0], [0, 0, 200], [255, 255, 255]]], dtype=torch.float32)
    assert least_distance(palette).tolist() == [200]
    image = torch.tensor([0.0, 60, 80]).reshape(1, 3, 1, 1)
    logits = colour_logits(image, palette, deviation=0.5)  # s = 100
    expected = [-(60**2 + 80**2) / 20000, -(60**2 + 120**2) / 20000, -(255**2 + 195**2 + 175**2) / 20000]
    assert logits.flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize('colour', [(255, 255, 255), (100, 0, 0), (3, 4, 0)])
def test_a_pixel_of_exactly_a_colour_is_that_class_whatever_the_colour(colour):
    palette = torch.tensor([[[0, 0, 0], colour]], dtype=torch.float32)
    probability = colour_logits(palette[:, 1, :, None, None], palette).softmax(1)[0, 1].item()
    assert probability == pytest.approx(1 / (1 + math.exp(-8)))
