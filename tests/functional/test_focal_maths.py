"""Values by hand, cross-entropy as the oracle at gamma 0, autograd as the oracle of the closed-form gradient."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_ext.functional import focal
from mmseg_ext.functional.focal import softmax_focal_loss

ALPHA = torch.tensor([0.1, 0.3, 0.6], dtype=torch.double)


def batch(classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, classes, 5, 7, dtype=torch.double, generator=generator) * 3
    label = torch.randint(0, classes, (2, 5, 7), generator=generator)
    label[:, 1, 2:5] = 255
    return logits.requires_grad_(), label


def by_autograd(logits: Tensor, label: Tensor, alpha: Tensor, gamma: float) -> Tensor:
    valid = label != 255
    p = logits.softmax(1).movedim(1, -1)[valid].gather(1, label[valid][:, None])[:, 0]
    return (alpha[label[valid]] * (1 - p) ** gamma * -p.log()).mean()


@pytest.mark.parametrize(('y', 'alpha'), [(0, 0.1), (1, 0.3), (2, 0.6)])
def test_uniform_logits_cost_alpha_times_048827(y, alpha):
    loss = softmax_focal_loss(torch.zeros(2, 3, 4, 4), torch.full((2, 4, 4), y), ALPHA.float(), 2.0)
    assert loss.item() == pytest.approx(alpha * 4 / 9 * math.log(3), rel=1e-6)
    assert loss.item() == pytest.approx(alpha * 0.48827, abs=5e-6)


def test_divides_by_valid_pixels_and_not_by_alpha_or_weight():
    label = torch.tensor([[[0, 1, 2, 255]]])
    weight = torch.tensor([[[1.0, 0.0, 2.0, 5.0]]])
    term = 4 / 9 * math.log(3)
    logits = torch.zeros(1, 3, 1, 4)
    assert softmax_focal_loss(logits, label, ALPHA.float()).item() == pytest.approx(term / 3)
    loss = softmax_focal_loss(logits, label, ALPHA.float(), weight=weight)
    assert loss.item() == pytest.approx(term * (0.1 + 2 * 0.6) / 3)
    assert weight.tolist() == [[[1, 0, 2, 5]]], 'the weight given must not be written into'


def test_gamma_0_is_cross_entropy():
    logits, label = batch()
    expected = F.cross_entropy(logits, label, ignore_index=255)
    torch.testing.assert_close(softmax_focal_loss(logits, label, gamma=0.0), expected)


@pytest.mark.parametrize('gamma', [0.0, 0.5, 1.0, 2.0, 3.7])
@pytest.mark.parametrize('block', [3, 10**6], ids=['many blocks', 'one block'])
def test_gradient_is_that_of_the_formula(monkeypatch, gamma, block):
    monkeypatch.setattr(focal, 'CPU_BLOCK', block)
    logits, label = batch()
    ours, formula = softmax_focal_loss(logits, label, ALPHA, gamma), by_autograd(logits, label, ALPHA, gamma)
    torch.testing.assert_close(ours, formula)
    gradients = [torch.autograd.grad(3 * loss, logits)[0] for loss in (ours, formula)]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize('gamma', [0.0, 0.5, 2.0])
def test_gradcheck(gamma):
    logits, label = batch()
    weight = torch.rand(label.shape, dtype=torch.double)
    assert torch.autograd.gradcheck(lambda x: softmax_focal_loss(x, label, ALPHA, gamma, weight), logits)


@pytest.mark.parametrize('gamma', [0.0, 0.5, 1.0, 2.0])
def test_certain_pixels_have_a_finite_gradient(gamma):
    logits = torch.tensor([[[[200.0, -200.0]], [[-200.0, 200.0]]]], requires_grad=True)
    for label in (torch.tensor([[[0, 1]]]), torch.tensor([[[1, 0]]])):
        loss = softmax_focal_loss(logits, label, gamma=gamma)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.isfinite()
        assert gradient.isfinite().all()
    assert loss.item() == pytest.approx(400), 'a certain miss costs its whole logit'


def test_strided_inputs_give_the_same():
    logits, label = batch()
    expected = softmax_focal_loss(logits, label, ALPHA)
    turned = logits.detach().transpose(2, 3).contiguous().transpose(2, 3)
    strided = label.transpose(1, 2).contiguous().transpose(1, 2)
    torch.testing.assert_close(softmax_focal_loss(turned, strided, ALPHA, weight=torch.ones(2, 7, 5).mT), expected)


def test_backward_twice_gives_the_same():
    logits, label = batch()
    loss = softmax_focal_loss(logits, label, ALPHA)
    first, second = (torch.autograd.grad(loss, logits, retain_graph=True)[0] for _ in range(2))
    torch.testing.assert_close(first, second)
