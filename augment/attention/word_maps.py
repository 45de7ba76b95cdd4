"""Where in the picture the model attends to words: the region of an edit, found by cross-attention.

Hertz et al. 2022, local blend: maps of all layers at a quarter of the latents' sides, summed over the steps.
"""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from augment.attention.align import word_tokens
from augment.attention.rows import Rows
from augment.sdxl.tokens import TokenTable

Columns = tuple[Sequence[int], Sequence[int]]
"""Tokens of a source prompt and of a target prompt."""


def coarse_size(latent_size: tuple[int, int]) -> tuple[int, int]:
    """A quarter of the latents' sides, rounded up as strided convolutions do: the lowest level of SDXL's UNet."""
    height, width = latent_size
    return -(-height // 4), -(-width // 4)


def blend_columns(source: TokenTable, target: TokenTable, words: Iterable[str]) -> Columns:
    """The tokens of ``words`` in both prompts. The target has to say each of them, the source may."""
    chosen, before = [], []
    for word in words:
        chosen += word_tokens(target, word)
        before += word_tokens(source, word, missing_ok=True)
    return sorted(set(before)), sorted(set(chosen))


class WordMaps:
    """Sum of the attention that the rows of an edit pay to chosen tokens.

    Args:
        columns: Of B images with n targets each: which tokens of the source row and of the target row count.
        latent_size: (h, w).

    The maps are each row's own, before prompt-to-prompt changes it.
    """

    def __init__(self, columns: Sequence[Sequence[Columns]], latent_size: tuple[int, int]) -> None:
        self.columns, self.latent_size, self.size = columns, latent_size, coarse_size(latent_size)
        self.sums = torch.zeros(len(columns), len(columns[0]), 2, self.size[0] * self.size[1])

    @property
    def reads_source(self) -> bool:
        """Whether source rows are looked at."""
        return any(source for image in self.columns for source, _ in image)

    @torch.no_grad()
    def add(self, query: Tensor, key: Tensor, rows: Rows) -> None:
        """Count one cross-attention layer, (N, heads, tokens, d) and (N, heads, 77, d), if it is a coarse one.

        Raises ValueError when a source row is to be read that is not in the call.
        """
        if query.shape[2] != self.sums.shape[-1]:
            return
        self.sums = self.sums.to(query.device)
        for image, target, *both in rows.pairs():
            for side, (row, columns) in enumerate(zip(both, self.columns[image][target], strict=True)):
                if columns and row is None:
                    raise ValueError(
                        f'word maps read the source of image {image}, but rows.source is {rows.source}'
                    )
                if columns:
                    self.sums[image, target, side] += attention_map(query[row], key[row])[:, list(columns)].sum(-1)

    def mask(self, threshold: float) -> Tensor:
        """Where source or target attend to their words by over ``threshold`` of their most: (B, n, h, w) bool."""
        maps = self.sums.reshape(-1, 1, *self.size)
        maps = F.interpolate(F.max_pool2d(maps, 3, stride=1, padding=1), self.latent_size)
        chosen = maps > threshold * maps.amax((-2, -1), keepdim=True)
        return chosen.reshape(*self.sums.shape[:3], *self.latent_size).any(2)


def attention_map(query: Tensor, key: Tensor) -> Tensor:
    """Softmax(Q Kᵀ / √d) of (..., heads, tokens, d) in float32, mean over heads: (..., tokens, 77)."""
    return (query.float() @ key.float().mT * query.shape[-1] ** -0.5).softmax(-1).mean(-3)
