"""The active boundary loss equals the authors' algorithm where that is not at fault, and else differs."""

import runpy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mmseg_ext.functional.active_boundary import active_boundary_loss, dilate

PEER = Path(__file__).parents[2] / 'benchmarks/source_active_boundary.py'
source_active_boundary = runpy.run_path(str(PEER))['source_active_boundary']


def straight(seed: int, images: int = 1) -> tuple[Tensor, Tensor]:
    """Noisy logits, and a label whose contour is a straight line: all distances are whole numbers."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.zeros(images, 40, 40, dtype=torch.long)
    label[:, :, 12 + seed :] = 1
    logits = torch.randn(images, 3, 40, 40, dtype=torch.double, generator=generator) * 2
    return logits.requires_grad_(), label


@pytest.mark.parametrize('seed', range(4))
def test_equal_in_value_and_gradient_where_nothing_is_at_fault(seed):
    logits, label = straight(seed)
    ours, theirs = (loss(logits, label) for loss in (active_boundary_loss, source_active_boundary))
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-12)
    assert gradients[0].any()


def test_their_batch_shares_the_contours_of_one_image():
    logits, label = straight(0, images=4)
    ours, theirs = (loss(logits, label).item() for loss in (active_boundary_loss, source_active_boundary))
    alone = [active_boundary_loss(logits[i : i + 1], label[i : i + 1]).item() for i in range(4)]
    assert ours == pytest.approx(sum(alone) / 4, rel=0.05)
    assert theirs != pytest.approx(ours, rel=0.01)


def test_their_distances_are_cut_to_whole_pixels():
    label = torch.zeros(1, 40, 40, dtype=torch.long)
    label[:, 20:, 20:] = 1
    logits = straight(1)[0]
    assert source_active_boundary(logits, label) < active_boundary_loss(logits, label)


@pytest.mark.parametrize('points', [[(0, 0)], [(3, 4)], [(9, 11), (0, 11)], []])
def test_dilation_takes_all_eight_neighbours(points):
    mask = torch.zeros(2, 10, 12, dtype=torch.bool)
    expected = mask.clone()
    for row, col in points:
        mask[1, row, col] = True
        expected[1, max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2] = True
    assert torch.equal(dilate(mask), expected)
