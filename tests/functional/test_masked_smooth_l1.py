"""Values by hand, what is hidden or ignored, gradients, and batches with nothing to learn from."""

import pytest
import torch
import torch.nn.functional as F

from mmseg_ext.functional.masked_smooth_l1 import masked_smooth_l1
from mmseg_ext.functional.patch_masks import pixels_of

ALL = torch.ones(1, 8, dtype=torch.bool)
VALID = torch.ones(1, 8, 4, dtype=torch.bool)


def test_value_by_hand():
    target = torch.zeros(1, 3, 8, 4)
    prediction = torch.full_like(target, 0.5)
    prediction[:, :, :2, :2] = 0.004  # the first patch, below beta
    first = torch.tensor([[True] + [False] * 7])
    assert masked_smooth_l1(prediction, target, first, VALID).item() == pytest.approx(0.004**2 / 0.02)
    assert masked_smooth_l1(prediction, target, ~first, VALID).item() == pytest.approx(0.495)
    both = (4 * 0.0008 + 28 * 0.495) / 32
    assert masked_smooth_l1(prediction, target, ALL, VALID).item() == pytest.approx(both)


def test_the_mean_is_over_channels_of_pixels_that_are_hidden_and_valid():
    generator = torch.Generator().manual_seed(0)
    prediction, target = (torch.randn(2, 3, 8, 4, generator=generator) for _ in range(2))
    masked = torch.rand(2, 8, generator=generator) < 0.5
    valid = torch.rand(2, 8, 4, generator=generator) < 0.7
    counted = (pixels_of(masked, (8, 4))[:, 0] & valid).unsqueeze(1).expand(-1, 3, -1, -1)
    expected = F.smooth_l1_loss(prediction[counted], target[counted], beta=0.2)
    assert masked_smooth_l1(prediction, target, masked, valid, 0.2).item() == pytest.approx(expected.item())


@pytest.mark.parametrize('what', ['shown', 'ignored'])
def test_what_does_not_count_changes_neither_value_nor_gradient(what):
    prediction = torch.randn(1, 3, 8, 4, dtype=torch.double, requires_grad=True)
    target = torch.zeros(1, 3, 8, 4, dtype=torch.double)
    masked, valid = ALL.clone(), VALID.clone()
    if what == 'shown':
        masked[:, :2] = False
    else:
        valid[:, :2] = False
    loss = masked_smooth_l1(prediction, target, masked, valid)
    loss.backward()
    assert not prediction.grad[:, :, :2].any()
    assert prediction.grad[:, :, 2:].all()
    target[:, :, :2] = torch.inf
    assert torch.equal(masked_smooth_l1(prediction, target, masked, valid), loss)


def test_nothing_to_learn_from_is_zero_with_a_graph():
    prediction = torch.randn(1, 3, 8, 4, requires_grad=True)
    for masked, valid in ((~ALL, VALID), (ALL, ~VALID)):
        loss = masked_smooth_l1(prediction, torch.zeros(1, 3, 8, 4), masked, valid)
        loss.backward()
        assert loss.item() == 0
        assert not prediction.grad.any()


def test_half_precision_is_summed_in_single():
    prediction = torch.full((1, 3, 512, 256), 3.0, dtype=torch.bfloat16)
    masked, valid = torch.ones(1, 8, dtype=torch.bool), torch.ones(1, 512, 256, dtype=torch.bool)
    loss = masked_smooth_l1(prediction, torch.zeros(1, 3, 512, 256), masked, valid)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(2.995)


def test_pixels_may_count_more():
    target = torch.zeros(1, 3, 8, 4)
    prediction = torch.full_like(target, 0.5)
    prediction[:, :, 0, 0] = 1.5
    weight = VALID.float()
    weight[0, 0, 0], weight[0, 0, 1] = 10, 0
    expected = (10 * 1.495 + 30 * 0.495) / 40
    assert masked_smooth_l1(prediction, target, ALL, weight).item() == pytest.approx(expected)
