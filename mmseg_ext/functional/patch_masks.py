"""Which patches of a canvas are hidden: (N, L) bool, True = hidden, L patches row by row.

The canvas of SegGPT has the prompt above the query, so ``grid`` (rows, columns) is twice as high as wide.
All draw from a generator of torch on the CPU (the global one by default): a seed means the same everywhere.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

ASPECT = 0.3  # a block is at most so much narrower than long
TRIES = 10  # places tried for a block before patches are hidden one by one
SMALLEST = 16  # patches of a block
LARGEST = 0.5  # of all patches that are to be hidden

Grid = tuple[int, int]


def half_mask(count: int, grid: Grid) -> Tensor:
    """The lower half of each canvas, where the query's answer belongs: what prediction hides."""
    rows, columns = grid
    masked = torch.zeros(count, rows, columns, dtype=torch.bool)
    masked[:, rows // 2 :] = True
    return masked.flatten(1)


def random_patch_mask(count: int, grid: Grid, ratio: float, generator: torch.Generator | None = None) -> Tensor:
    """``int(ratio L)`` patches of each canvas, any with equal chance, in both halves."""
    length = math.prod(grid)
    order = torch.rand(count, length, generator=generator).argsort(1)
    return torch.zeros(count, length, dtype=torch.bool).scatter_(1, order[:, : int(ratio * length)], True)


def block_patch_mask(count: int, grid: Grid, ratio: float, generator: torch.Generator | None = None) -> Tensor:
    """``int(ratio L)`` patches of each canvas in blocks, as Painter has it (Wang et al. 2023, arXiv 2212.02499).

    Rectangles of 16 patches up to half of those to be hidden, of an aspect from 0.3 to 1 / 0.3 drawn evenly on a
    logarithmic scale, are laid over each other until enough is hidden; what no rectangle can fill exactly is
    hidden patch by patch.
    """
    return torch.stack([_blocks(grid, int(ratio * math.prod(grid)), generator) for _ in range(count)])


def _blocks(grid: Grid, wanted: int, generator: torch.Generator | None) -> Tensor:
    masked, failed = torch.zeros(grid, dtype=torch.bool), 0
    while failed < TRIES:
        left = wanted - int(masked.sum())
        window = _rectangle(grid, min(left, LARGEST * wanted), generator)
        new = int((~masked[window]).sum()) if window else 0
        failed = 0 if 0 < new <= left else failed + 1
        if not failed:
            masked[window] = True
    masked = masked.flatten()
    shown = (~masked).nonzero().flatten()
    order = torch.randperm(len(shown), generator=generator)
    masked[shown[order[: wanted - int(masked.sum())]]] = True
    return masked


def _rectangle(grid: Grid, largest: float, generator: torch.Generator | None) -> tuple[slice, slice] | None:
    """A random block of at most about ``largest`` patches; None where it does not fit."""
    size, stretch, top, left = torch.rand(4, generator=generator).tolist()
    area = SMALLEST + size * max(largest - SMALLEST, 0)
    aspect = ASPECT ** (1 - 2 * stretch)
    height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
    if not (0 < height <= grid[0] and 0 < width <= grid[1]):
        return None
    row, column = int(top * (grid[0] - height + 1)), int(left * (grid[1] - width + 1))
    return slice(row, row + height), slice(column, column + width)


def pixels_of(masked: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, 1, H, W) bool: the pixels of hidden square patches (N, L) on a canvas of ``size`` (H, W)."""
    height, width = size
    side = math.isqrt(height * width // masked.shape[1])
    grid = masked.unflatten(1, (height // side, width // side)).unsqueeze(1)
    return F.interpolate(grid.to(torch.uint8), size, mode='nearest').bool()
