"""Counts and indices by hand, the policy for absent classes, and which error costs more."""

import pytest
import torch
from torch import Tensor

from mmseg_ext.functional.overlap import (
    binary_dice,
    dice_index,
    mean_dice,
    overlap_counts,
    steep_power,
    tversky_index,
    tversky_loss,
)

# Four pixels. OVER adds one false positive of class 1 to the label, UNDER misses one pixel of it.
LABEL = torch.tensor([[[0, 0, 1, 1]]])
PERFECT, OVER, UNDER = [0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 0, 1]


def certain(classes: list[int], channels: int = 2) -> Tensor:
    """Logits of one row of pixels that are sure of these classes."""
    return torch.nn.functional.one_hot(torch.tensor([[classes]]), channels).movedim(-1, 1).double() * 40


def counts_of(classes: list[int], label: Tensor = LABEL, **kwargs):
    return overlap_counts(certain(classes).softmax(1), label, **kwargs)


@pytest.mark.parametrize(
    ('prediction', 'tp', 'fp', 'fn'),
    [(PERFECT, [2, 2], [0, 0], [0, 0]), (OVER, [1, 2], [0, 1], [1, 0]), (UNDER, [2, 1], [1, 0], [0, 1])],
)
def test_counts(prediction, tp, fp, fn):
    for soft, hard in zip(counts_of(prediction), (tp, fp, fn), strict=True):
        assert soft.tolist() == pytest.approx(hard)


def test_counts_per_image_ignored_and_weighted():
    probs = certain(OVER).softmax(1).repeat(2, 1, 1, 1)
    label = torch.tensor([[[0, 255, 1, 1]], [[0, 0, 1, 1]]])
    weight = torch.tensor([[[1.0, 1, 1, 3]], [[0, 1, 1, 1]]])
    tp, fp, fn = overlap_counts(probs, label, weight, per_image=True)
    assert tp.flatten().tolist() == pytest.approx([1, 4, 0, 2])
    assert fp.flatten().tolist() == pytest.approx([0, 0, 0, 1])
    assert fn.flatten().tolist() == pytest.approx([0, 0, 1, 0])
    for whole, parts in zip(overlap_counts(probs, label, weight), (tp, fp, fn), strict=True):
        torch.testing.assert_close(whole, parts.sum(0))


@pytest.mark.parametrize(
    ('prediction', 'settings', 'expected'),
    [
        (PERFECT, dict(), 0),
        (OVER, dict(), 1 - (1 / 1.7 + 2 / 2.3) / 2),  # class 0 misses one pixel, class 1 has one too many
        (OVER, dict(alpha=0.5, beta=0.5), 1 - (2 / 3 + 4 / 5) / 2),
        (OVER, dict(gamma=2.0), ((0.7 / 1.7) ** 2 + (0.3 / 2.3) ** 2) / 2),
        (UNDER, dict(gamma=0.75), ((0.3 / 2.3) ** 0.75 + (0.7 / 1.7) ** 0.75) / 2),
    ],
)
def test_tversky_loss_by_hand(prediction, settings, expected):
    assert tversky_loss(certain(prediction), LABEL, **settings).item() == pytest.approx(expected, abs=2e-6)


def test_beta_prices_a_miss_above_a_false_alarm():
    over, under = (tversky_index(counts_of(p), alpha=0.1, beta=0.9)[1] for p in (OVER, UNDER))
    assert over.item() == pytest.approx(2 / 2.1, abs=1e-6)
    assert under.item() == pytest.approx(1 / 1.9, abs=1e-6)
    over, under = (tversky_index(counts_of(p), alpha=0.9, beta=0.1)[1] for p in (OVER, UNDER))
    assert over.item() == pytest.approx(2 / 2.9, abs=1e-6)


def test_tversky_of_halves_is_dice():
    logits = torch.randn(2, 3, 4, 5, dtype=torch.double)
    label = torch.randint(0, 3, (2, 4, 5))
    expected = 1 - mean_dice(logits, label)
    torch.testing.assert_close(tversky_loss(logits, label, alpha=0.5, beta=0.5), expected)
    tp, fp, fn = counts = overlap_counts(logits.softmax(1), label)
    torch.testing.assert_close(dice_index(counts, smooth=3.0), (2 * tp + 3) / (2 * tp + fp + fn + 3))


def test_absent_and_unpredicted_is_perfect_and_hallucinated_is_not():
    label = torch.zeros(1, 1, 4, dtype=torch.long)
    quiet, loud = (
        tversky_index(overlap_counts(certain(p, 3).softmax(1) * (certain(p, 3) > 0), label), 0.3, 0.7)
        for p in ([0, 0, 0, 0], [0, 0, 2, 2])
    )
    assert quiet.tolist() == pytest.approx([1, 1, 1])
    assert loud.tolist() == pytest.approx([2 / 3.4, 1, 0], abs=1e-5)


def test_painting_everything_background_is_expensive():
    """Pixel shares 99.77 / 0.20 / 0.03; one sum over all classes would let it pass for 0.0023."""
    label = torch.zeros(1, 100, 100, dtype=torch.long)
    label.view(-1)[:20], label.view(-1)[20:23] = 1, 2
    logits = torch.zeros(1, 3, 100, 100)
    logits[:, 0] = 40
    assert 1 - mean_dice(logits, label).item() >= 0.6
    assert tversky_loss(logits, label).item() >= 0.6


def test_steep_power_keeps_value_and_finite_slope():
    x = torch.tensor([0.0, 1e-7, 0.5, 1.0], dtype=torch.double, requires_grad=True)
    y = steep_power(x, 0.75)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert y.tolist() == pytest.approx([0, 1e-7 * 1e-6**-0.25, 0.5**0.75, 1])
    assert slope.isfinite().all()
    assert (slope > 0).all()


def test_binary_dice_is_the_mean_over_images_of_the_published_listing():
    logits = torch.randn(3, 1, 4, 5, dtype=torch.double)
    label = torch.randint(0, 2, (3, 4, 5))
    label[2] = 0
    p, t = logits.sigmoid().flatten(1), label.flatten(1)
    expected = ((2 * (p * t).sum(1) + 1e-5) / (p.sum(1) + t.sum(1) + 1e-5)).mean()
    torch.testing.assert_close(binary_dice(logits, label), expected)


def test_counts_stay_exact_beside_a_large_class():
    """float32: one false alarm of 0.001 beside four million certain pixels."""
    probs = torch.zeros(1, 2, 2048, 2048)
    probs[:, 0] = 1
    probs[0, 1, 0, 0] = 0.001
    _, fp, fn = overlap_counts(probs, torch.zeros(1, 2048, 2048, dtype=torch.long))
    assert fp.tolist() == pytest.approx([0, 0.001])
    assert fn.tolist() == [0, 0]
