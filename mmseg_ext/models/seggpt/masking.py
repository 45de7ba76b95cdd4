"""Which patches are hidden while SegGPT is trained."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.patch_masks import Grid, block_patch_mask, half_mask, random_patch_mask

KINDS = dict(random=random_patch_mask, block=block_patch_mask)


@dataclass(frozen=True)
class Masking:
    """Hides a share ``ratio`` (0..1) of the patches of both masks, or with probability ``half_prob`` the query's.

    ``kind`` is 'random' (each patch by itself) or 'block' (rectangles, as Painter has it with a ratio of 0.5).
    UsageError for anything else.
    """

    kind: str = 'random'
    ratio: float = 0.75
    half_prob: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f'masking.kind={self.kind!r}: expected {" or ".join(KINDS)}')
        if not 0 < self.ratio <= 1:
            raise UsageError(f'masking.ratio={self.ratio!r}: a share of the patches, above 0 and up to 1')
        if not 0 <= self.half_prob <= 1:
            raise UsageError(f'masking.half_prob={self.half_prob!r}: a probability from 0 to 1')

    def draw(self, count: int, grid: Grid, generator: torch.Generator | None = None) -> Tensor:
        """(count, L) bool, True where hidden; ``grid`` is (rows, columns) of patches of the whole canvas."""
        masked = KINDS[self.kind](count, grid, self.ratio, generator)
        halved = torch.rand(count, generator=generator) < self.half_prob
        return half_mask(count, grid).where(halved[:, None], masked)
