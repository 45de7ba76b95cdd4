"""Values by hand; binary cross-entropy and torch's own sigmoid as the oracles."""

import math

import pytest
import torch
from torch import Tensor

from mmseg_ext.functional.cross_entropy import masked_binary_cross_entropy
from mmseg_ext.functional.sigmoid_focal import sigmoid_focal_loss


def batch(channels: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, channels, 5, 7, dtype=torch.double, generator=generator) * 3
    label = torch.randint(0, max(channels, 2), (2, 5, 7), generator=generator)
    label[:, 1, 2:5] = 255
    return logits, label


@pytest.mark.parametrize(
    ('y', 'alpha', 'share'), [(1, 0.25, 0.25), (0, 0.25, 0.75), (1, 0.0, 0), (1, None, 1), (0, None, 1)]
)
def test_an_undecided_pixel_costs_its_share_of_log_2_over_4(y, alpha, share):
    loss = sigmoid_focal_loss(torch.zeros(1, 1, 2, 2), torch.full((1, 2, 2), y), alpha)
    assert loss.item() == pytest.approx(share * math.log(2) / 4)


def test_divides_by_the_valid_pixels_and_not_by_weight():
    label, weight = torch.tensor([[[0, 1, 1, 255]]]), torch.tensor([[[1.0, 0.0, 2.0, 5.0]]])
    term = math.log(2) / 4
    loss = sigmoid_focal_loss(torch.zeros(1, 1, 1, 4), label, weight=weight)
    assert loss.item() == pytest.approx((0.75 + 2 * 0.25) * term / 3)


@pytest.mark.parametrize('channels', [1, 2, 4])
def test_without_gamma_and_alpha_it_is_binary_cross_entropy(channels):
    logits, label = batch(channels)
    expected = masked_binary_cross_entropy(logits, label)
    torch.testing.assert_close(sigmoid_focal_loss(logits, label, None, 0.0), expected)
    torch.testing.assert_close(sigmoid_focal_loss(logits, label, 0.5, 0.0), expected / 2)


@pytest.mark.parametrize('gamma', [0.5, 1.0, 2.0, 3.7])
def test_equals_the_formula(gamma):
    logits, label = batch(3)
    valid = label != 255
    p, target = logits.sigmoid().movedim(1, -1)[valid], torch.eye(3, dtype=torch.double)[label[valid]]
    p_t = p.where(target == 1, 1 - p)
    alpha_t = torch.full_like(p, 0.1).where(target == 1, 0.9)
    expected = (alpha_t * (1 - p_t) ** gamma * -p_t.log()).mean()
    torch.testing.assert_close(sigmoid_focal_loss(logits, label, 0.1, gamma), expected)


@pytest.mark.parametrize('gamma', [0.0, 0.5, 2.0])
def test_sure_pixels_have_a_finite_gradient(gamma):
    logits = torch.tensor([[[[200.0, -200.0]]]], requires_grad=True)
    for label in (torch.tensor([[[0, 1]]]), torch.tensor([[[1, 0]]])):
        loss = sigmoid_focal_loss(logits, label, None, gamma)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert gradient.isfinite().all()
        assert loss.item() == pytest.approx(200 if label[0, 0, 0] == 0 else 0), 'a sure miss costs its logit'
