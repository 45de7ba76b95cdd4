"""Does the model look for a word where the word is? Cross-attention on noised windows, against the known region.

The pointing game (Zhang et al. 2018, https://arxiv.org/abs/1608.00507): a hit is a map whose maximum lies inside.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augment.attention.install import place_of
from augment.attention.processors import ResidualProcessor
from augment.attention.word_maps import attention_map
from augment.pocket.measure import shown
from augment.sdxl.conditioning import Conditioning
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.upstream import UNet2DConditionModel

AT_ONCE = 16  # windows that go through the UNet together


class Gaze:
    """The attention of each of N rows to one of its tokens, summed over the layers: (N, S, S), N tokens given."""

    def __init__(self, tokens: Tensor, side: int) -> None:
        self.tokens, self.sum = tokens, torch.zeros(len(tokens), side, side)

    def add(self, query: Tensor, key: Tensor) -> None:
        """Count one layer of square images, (N, heads, tokens, d) and (N, heads, 77, d)."""
        seen = attention_map(query, key)[torch.arange(len(query)), :, self.tokens]
        side = round(seen.shape[1] ** 0.5)
        fine = F.interpolate(seen.view(-1, 1, side, side), self.sum.shape[1:], mode='bilinear')
        self.sum += fine[:, 0].cpu()


class GazeProcessor(ResidualProcessor):
    """Attention as ever, seen by a ``Gaze``."""

    def __init__(self, gaze: Gaze) -> None:
        super().__init__()
        self.gaze = gaze

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(N, heads, tokens, d), as the layer would give it."""
        self.gaze.add(query, key)
        return super().attend(query, key, value)


@contextmanager
def watched(unet: UNet2DConditionModel, gaze: Gaze) -> Iterator[None]:
    """Let ``gaze`` see the cross-attention of every layer."""
    before = dict(unet.attn_processors)
    seen = {name: GazeProcessor(gaze) for name in before if place_of(name).endswith('.cross')}
    try:
        unet.set_attn_processor({**before, **seen})
        yield
    finally:
        unet.set_attn_processor(before)


@torch.no_grad()
def word_attention(
    denoiser: Denoiser, latents: Tensor, conds: Conditioning, tokens: Sequence[int], seed: int = 0
) -> np.ndarray:
    """Maps (N, h, w) of the attention to one token of each prompt, mean over all layers, heads and steps.

    ``latents`` (N, 4, h, w) of images receive noise for each step of the denoiser's grid, as in training.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(denoiser.grid), *latents.shape, generator=generator)
    maps = []
    for first in shown(range(0, len(latents), AT_ONCE), 'attention'):
        rows = slice(first, first + AT_ONCE)
        gaze = Gaze(torch.tensor(tokens[rows]), latents.shape[-1])
        with watched(denoiser.unet, gaze):
            for i in range(len(denoiser.grid)):
                a = denoiser.grid.alpha_bar(i)
                denoiser(a**0.5 * latents[rows].cpu() + (1 - a) ** 0.5 * noise[i, rows], i, conds[rows])
        maps.append(gaze.sum)
    layers = sum(place_of(name).endswith('.cross') for name in denoiser.unet.attn_processors)
    return torch.cat(maps).numpy() / (layers * len(denoiser.grid))


def moved(images: np.ndarray, regions: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, S, S, 3) and regions (N, S, S), each moved by up to a third of its side, mirrored at the border.

    Windows are cut around what they show: a map that knew the middle alone would nearly always hit.
    """
    rng, side = np.random.default_rng(seed), images.shape[1]
    far = side // 3
    results = np.empty_like(images), np.empty_like(regions)
    for k, (top, left) in enumerate(rng.integers(0, 2 * far + 1, (len(images), 2))):
        for result, whole in zip(results, (images, regions), strict=True):
            beyond = [(far, far)] * 2 + [(0, 0)] * (whole.ndim - 3)
            result[k] = np.pad(whole[k], beyond, 'reflect')[top:][:side, left:][:, :side]
    return results


def hits(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Whether the maximum of each map (N, h, w) lies inside its region (N, H, W) bool; (N,) bool.

    The pixel asked is that in the middle of the map's cell.
    """
    factor = regions.shape[1] // maps.shape[1]
    rows, columns = np.divmod(maps.reshape(len(maps), -1).argmax(1), maps.shape[2])
    middle = factor // 2
    return regions[np.arange(len(maps)), rows * factor + middle, columns * factor + middle]


def energy_inside(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """The share of each map that lies inside its region, (N,)."""
    factor = regions.shape[1] // maps.shape[1]
    covered = regions.reshape(len(maps), maps.shape[1], factor, maps.shape[2], factor).mean((2, 4))
    return (maps * covered).sum((1, 2)) / maps.sum((1, 2))


def best_guess(regions: np.ndarray) -> float:
    """The share of regions (N, H, W) that hold the one pixel that most of them hold: a guess without looking."""
    return float(regions.mean(0).max())
