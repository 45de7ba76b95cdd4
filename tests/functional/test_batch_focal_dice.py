"""Focal and Dice of a whole batch: by hand, and blind to what single pixels and classes do."""

import math

import pytest
import torch

from mmseg_ext.functional.batch_focal_dice import batch_focal, flat_dice
from mmseg_ext.models.losses import FocalDiceLoss

# True-class probabilities 0.8, 0.5, 0.8 and an ignored pixel.
PROBS = torch.tensor([[0.8, 0.5, 0.2, 0.9], [0.2, 0.5, 0.8, 0.1]])
LOGITS = PROBS.log().view(1, 2, 1, 4)
LABEL = torch.tensor([[[0, 0, 1, 255]]])
MEAN = -(2 * math.log(0.8) + math.log(0.5)) / 3  # cross-entropy


@pytest.mark.parametrize(('alpha', 'gamma'), [(0.25, 2.0), (1.0, 0.0), (0.5, 0.5)])
def test_focal_of_the_mean_by_hand(alpha, gamma):
    expected = alpha * (1 - math.exp(-MEAN)) ** gamma * MEAN
    assert batch_focal(LOGITS, LABEL, alpha, gamma).item() == pytest.approx(expected, rel=1e-5)


def test_weights_multiply_what_pixels_add_to_the_mean():
    weight = torch.tensor([[[1.0, 2.0, 0.0, 9.0]]])
    mean = -(math.log(0.8) + 2 * math.log(0.5)) / 3
    assert batch_focal(LOGITS, LABEL, 1.0, 0.0, weight).item() == pytest.approx(mean, rel=1e-5)


def test_flat_dice_is_the_mean_probability_of_the_truth():
    assert flat_dice(LOGITS, LABEL).item() == pytest.approx((0.8 + 0.5 + 0.8) / 3, rel=1e-5)
    weight = torch.tensor([[[1.0, 2.0, 0.0, 9.0]]])
    assert flat_dice(LOGITS, LABEL, weight).item() == pytest.approx((0.8 + 2 * 0.5) / 3, rel=1e-5)


def test_the_source_variant_by_hand():
    focal = 0.25 * (1 - math.exp(-MEAN)) ** 2 * MEAN
    value = FocalDiceLoss(variant='source')(LOGITS, LABEL).item()
    assert value == pytest.approx(10 * focal - math.log(0.7), rel=1e-5)


def test_the_source_variant_does_not_see_which_class_is_missed():
    """One missed pixel costs the same, of a class of one pixel or of nine; the usual variant tells them apart."""
    label = torch.zeros(1, 1, 10, dtype=torch.long)
    label[..., 9] = 1
    sure = torch.nn.functional.one_hot(label, 2).movedim(-1, 1) * 4.0
    rare, common = sure.clone(), sure.clone()
    rare[..., 9] = sure[..., 9].flip(1)
    common[..., 0] = sure[..., 0].flip(1)
    source, usual = FocalDiceLoss(variant='source'), FocalDiceLoss()
    torch.testing.assert_close(source(rare, label), source(common, label))
    assert usual(rare, label) > usual(common, label) + 0.2


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(variant='seed'), "variant='seed' is neither of per_pixel, source"),
        (dict(variant='source', focal_alpha=[0.1, 0.9]), r'focal_alpha=\[0.1, 0.9\] must be one number'),
        (dict(variant='source', focal_alpha=None), 'focal_alpha=None must be one number'),
    ],
)
def test_settings_of_the_source_variant(options, message):
    with pytest.raises(ValueError, match=f'FocalDiceLoss: .*{message}'):
        FocalDiceLoss(**options)
