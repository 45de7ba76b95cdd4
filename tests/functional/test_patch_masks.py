"""As many patches are hidden as asked, where they should be, and by chance where it should be chance."""

import pytest
import torch

from mmseg_ext.functional.patch_masks import block_patch_mask, half_mask, pixels_of, random_patch_mask

GRID = (56, 28)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_half_is_that_of_the_query():
    masked = half_mask(2, (4, 2))
    assert masked.dtype == torch.bool
    assert masked.tolist() == [[False] * 4 + [True] * 4] * 2
    assert half_mask(1, GRID)[0].nonzero().flatten().tolist() == list(range(784, 1568))


@pytest.mark.parametrize('draw', [random_patch_mask, block_patch_mask])
@pytest.mark.parametrize(('grid', 'ratio', 'hidden'), [(GRID, 0.75, 1176), (GRID, 0.5, 784), ((4, 2), 0.75, 6)])
def test_the_share_is_exact(draw, grid, ratio, hidden):
    masked = draw(5, grid, ratio, seeded())
    assert masked.shape == (5, grid[0] * grid[1])
    assert masked.dtype == torch.bool
    assert masked.sum(1).tolist() == [hidden] * 5
    assert len(masked.unique(dim=0)) > 1
    assert torch.equal(masked, draw(5, grid, ratio, seeded()))
    assert not torch.equal(masked, draw(5, grid, ratio, seeded(1)))


@pytest.mark.parametrize('draw', [random_patch_mask, block_patch_mask])
def test_everything_can_be_hidden(draw):
    assert draw(2, (8, 4), 1.0, seeded()).all()


def test_patches_are_hidden_evenly():
    share = random_patch_mask(2000, (4, 2), 0.5, seeded()).float().mean(0)
    assert share.tolist() == pytest.approx([0.5] * 8, abs=0.05)


def test_blocks_hold_together():
    """Neighbours of a hidden patch are hidden more often than chance has it."""

    def together(masked: torch.Tensor) -> float:
        grid = masked.unflatten(1, GRID)
        return (grid[:, :, 1:] & grid[:, :, :-1]).sum().item() / masked.sum().item()

    assert together(random_patch_mask(20, GRID, 0.5, seeded())) < 0.55
    assert together(block_patch_mask(20, GRID, 0.5, seeded())) > 0.8


def test_blocks_lie_anywhere():
    share = block_patch_mask(300, GRID, 0.5, seeded()).float().mean(0).unflatten(0, GRID)
    assert share.amin() > 0  # corners seldom
    assert share[:28].mean().item() == pytest.approx(0.5, abs=0.05)


def test_pixels_are_those_of_the_patches():
    masked = torch.tensor([[True, False, False, False, False, False, True, True]])
    pixels = pixels_of(masked, (8, 4))
    assert pixels.shape == (1, 1, 8, 4)
    assert pixels.dtype == torch.bool
    assert pixels[0, 0, :, 0].tolist() == [True] * 2 + [False] * 4 + [True] * 2
    assert pixels[0, 0, :, 3].tolist() == [False] * 6 + [True] * 2
    assert pixels.sum() == 12
