"""Attention to a word is read as it is, without changing it, and compared with the word's region."""

import numpy as np
import pytest
import torch

from augment.pocket.pointing import Gaze, best_guess, energy_inside, hits, moved, watched, word_attention
from augment.sdxl.conditioning import encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.schedule import DDIMGrid


@pytest.fixture
def denoiser(trained):
    return Denoiser(trained, DDIMGrid.from_pipeline(trained, 3), (64, 64))


def test_hits_ask_the_middle_of_the_cell():
    maps = np.zeros((3, 2, 2))
    maps[0, 0, 1] = maps[1, 1, 0] = maps[2, 1, 0] = 1
    regions = np.zeros((3, 8, 8), bool)
    regions[0, 2, 6] = regions[1, 6, 2] = regions[2, 2, 6] = True
    assert hits(maps, regions).tolist() == [True, True, False]


def test_energy_inside_counts_parts_of_cells():
    maps = np.array([[[3.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
    regions = np.zeros((2, 4, 4), bool)
    regions[0, :2, :1] = True  # half of the first cell
    regions[1] = True
    assert energy_inside(maps, regions) == pytest.approx([3 * 0.5 / 4, 1])


def test_the_best_guess_is_the_pixel_most_regions_share():
    regions = np.zeros((4, 4, 4), bool)
    regions[:3, 1, 1] = regions[2:, 0] = True
    assert best_guess(regions) == 0.75


def test_images_and_regions_move_together():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 12, 12, 3)).astype(np.uint8)
    before = images.copy()
    new, regions = moved(images, images[..., 0] > 128, seed=1)
    assert np.array_equal(regions, new[..., 0] > 128)
    assert np.array_equal(images, before)
    offsets = set()
    for old, image in zip(images, new, strict=True):
        padded = np.pad(old, [(4, 4), (4, 4), (0, 0)], 'reflect')
        places = [(top, left) for top in range(9) for left in range(9)]
        found = [(y, x) for y, x in places if np.array_equal(padded[y : y + 12, x : x + 12], image)]
        offsets.update(found)
        assert len(found) == 1
    assert len(offsets) > 3


def test_attention_to_all_tokens_together_is_one_everywhere(denoiser, trained):
    cond, latents = encode(trained, ['photo of a crack with rust']), torch.randn(1, 4, 16, 16)
    maps = word_attention(denoiser, latents.repeat(77, 1, 1, 1), cond.repeat(77), range(77))
    assert maps.shape == (77, 16, 16)
    assert maps.sum(0).mean() == pytest.approx(1, abs=0.02)  # every row has noise of its own
    assert (maps > 0).all()


def test_each_row_has_its_own_token_and_layers_add_up():
    query, key = torch.zeros(2, 1, 4, 1), torch.zeros(2, 1, 77, 1)
    query[:, 0, 3], key[:, 0, 5] = 10.0, 10.0  # the last of 2 x 2 places looks at token 5 alone
    gaze = Gaze(torch.tensor([5, 6]), side=2)
    for _ in range(2):
        gaze.add(query, key)
    expected = torch.full((2, 2, 2), 2 / 77)
    expected[0, 1, 1], expected[1, 1, 1] = 2.0, 0.0
    assert torch.allclose(gaze.sum, expected, atol=1e-6)


def test_watching_changes_nothing_and_ends(denoiser, trained):
    cond, latents = encode(trained, ['photo of a crack']), torch.randn(1, 4, 16, 16)
    before, plain = dict(trained.unet.attn_processors), denoiser(latents, 1, cond)
    seen = []

    class Watcher:
        def add(self, query, key):
            seen.append((query.shape[2], key.shape[2]))

    with watched(trained.unet, Watcher()):
        assert torch.allclose(denoiser(latents, 1, cond), plain, atol=1e-6)
    assert sorted(set(seen)) == [(16, 77), (64, 77)]
    assert trained.unet.attn_processors == before
