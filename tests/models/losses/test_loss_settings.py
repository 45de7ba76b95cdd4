"""What the parameters of single losses mean, and what they refuse."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from mmseg.registry import MODELS

from mmseg_ext.functional.focal import softmax_focal_loss
from mmseg_ext.functional.overlap import mean_dice
from mmseg_ext.models.losses import (
    ActiveBoundaryLoss,
    BCEDiceLoss,
    FocalDiceLoss,
    SoftmaxFocalLoss,
    SoftTverskyLoss,
)

TERM = 4 / 9 * math.log(3)  # a pixel of uniform logits over three classes, gamma 2


@pytest.mark.parametrize(
    ('alpha', 'factors'),
    [
        (None, [1, 1, 1]),
        (0.25, [0.25, 0.25, 0.25]),
        ([0.1, 0.3, 0.6], [0.1, 0.3, 0.6]),
        (dict(background=0.1, defect=0.5), [0.1, 0.5, 0.5]),
    ],
)
def test_alpha_forms(alpha, factors):
    loss = SoftmaxFocalLoss(alpha=alpha)
    for y, factor in enumerate(factors):
        value = loss(torch.zeros(1, 3, 2, 2), torch.full((1, 2, 2), y))
        assert value.item() == pytest.approx(factor * TERM)


@pytest.mark.parametrize('classes', [2, 6])
def test_alpha_that_fits_any_class_count_does(classes):
    for alpha in (None, 0.25, dict(background=0.1, defect=0.5)):
        assert SoftmaxFocalLoss(alpha=alpha)(torch.zeros(1, classes, 2, 2), torch.ones(1, 2, 2).long()) > 0


@pytest.mark.parametrize(
    ('settings', 'key'),
    [
        (dict(type='SoftmaxFocalLoss', alpha=[0.1, 0.3, 0.6]), 'alpha'),
        (dict(type='MaskedCrossEntropyLoss', class_weight=[0.1, 0.3, 0.6]), 'class_weight'),
        (dict(type='FocalDiceLoss', focal_alpha=[0.1, 0.3, 0.6]), 'focal_alpha'),
    ],
)
def test_a_list_for_another_class_count_is_refused_with_the_cure(settings, key):
    message = rf'{settings["type"]}: {key}=\[0.1, 0.3, 0.6\] has 3 numbers but the logits have 2 classes'
    with pytest.raises(ValueError, match=rf'{message}.*--cfg-options model.decode_head.loss_decode.{key}=None'):
        MODELS.build(settings)(torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long))


@pytest.mark.parametrize('alpha', ['balanced', [0.1, 'x'], -1.0, [0.1, -0.3, 0.6]])
def test_alpha_must_be_numbers(alpha):
    with pytest.raises(ValueError, match=r'SoftmaxFocalLoss: alpha=.*give None, a number >= 0'):
        SoftmaxFocalLoss(alpha=alpha)


def test_alpha_by_name_needs_both_names():
    with pytest.raises(ValueError, match=r"alpha has the keys \['background', 'crack'\]"):
        SoftmaxFocalLoss(alpha=dict(background=0.1, crack=0.9))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(type='SoftmaxFocalLoss', gamma=-1.0), 'gamma=-1.0'),
        (dict(type='SoftTverskyLoss', beta=-0.1), 'beta=-0.1'),
        (dict(type='SoftTverskyLoss', gamma=0.0), 'gamma=0.0'),
        (dict(type='MaskedCrossEntropyLoss', label_smoothing=1.5), 'label_smoothing=1.5'),
        (dict(type='BCEDiceLoss', smooth=0.0), 'smooth=0.0'),
        (dict(type='SigmoidFocalLoss', alpha=1.5), 'alpha=1.5'),
        (dict(type='SigmoidFocalLoss', gamma=-1.0), 'gamma=-1.0'),
        (dict(type='FocalDiceLoss', alpha=-1.0), 'alpha=-1.0'),
        (dict(type='ActiveBoundaryLoss', max_ratio=0.0), 'max_ratio=0.0'),
        (dict(type='ActiveBoundaryLoss', max_distance=0.0), 'max_distance=0.0'),
        (dict(type='ActiveBoundaryLoss', label_smoothing=1.0), 'label_smoothing=1.0'),
    ],
)
def test_settings_without_meaning_are_refused(settings, message):
    with pytest.raises(ValueError, match=rf'{settings["type"]}: .*{message}'):
        MODELS.build(settings)


def test_a_factor_made_without_gradients_still_serves_training():
    loss = MODELS.build(dict(type='MaskedCrossEntropyLoss', class_weight=[0.11, 0.31, 0.61]))
    label = torch.zeros(1, 2, 2, dtype=torch.long)
    with torch.inference_mode():
        loss(torch.zeros(1, 3, 2, 2), label)
    logits = torch.zeros(1, 3, 2, 2, requires_grad=True)
    loss(logits, label).backward()
    assert logits.grad.any()


def test_a_miss_costs_more_than_a_false_alarm_when_beta_exceeds_alpha():
    label = torch.tensor([[[0] * 10 + [1] * 4]])
    under, over = label.clone(), label.clone()
    under[0, 0, 10], over[0, 0, 9] = 0, 1
    miss, alarm = (
        SoftTverskyLoss(alpha=0.1, beta=0.9)(F.one_hot(p, 2).movedim(-1, 1) * 30.0, label) for p in (under, over)
    )
    assert miss > alarm


def test_bce_dice_of_a_single_logit_is_the_published_listing():
    logits = torch.randn(3, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    label = torch.randint(0, 2, (3, 4, 5), generator=torch.Generator().manual_seed(0))
    p, t = logits.sigmoid().flatten(1), label.flatten(1).float()
    dice = (2 * (p * t).sum(1) + 1e-5) / (p.sum(1) + t.sum(1) + 1e-5)
    expected = 0.5 * F.binary_cross_entropy_with_logits(logits[:, 0], label.float()) + 1 - dice.sum() / 3
    torch.testing.assert_close(BCEDiceLoss()(logits, label), expected)


def test_focal_dice_is_alpha_focal_less_log_dice():
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    label = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(0))
    alpha = torch.tensor([0.1, 0.3, 0.6])
    expected = 7 * softmax_focal_loss(logits, label, alpha, 1.5) - mean_dice(logits, label).log()
    loss = FocalDiceLoss(alpha=7.0, focal_alpha=[0.1, 0.3, 0.6], gamma=1.5)
    torch.testing.assert_close(loss(logits, label), expected)
    quarter = softmax_focal_loss(logits, label) / 4
    torch.testing.assert_close(FocalDiceLoss()(logits, label), 10 * quarter - mean_dice(logits, label).log())


def contour_batch():
    label = torch.zeros(1, 12, 12, dtype=torch.long)
    label[:, :3, :3] = 1
    return torch.randn(1, 2, 12, 12, generator=torch.Generator().manual_seed(0), requires_grad=True), label


def test_active_boundary_starts_at_start_iter(monkeypatch):
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: MessageHub('no_runner'))
    loss = ActiveBoundaryLoss(max_ratio=0.1, start_iter=2)
    loss.eval()
    assert loss(*contour_batch()) == 0
    loss.train()
    values = [loss(*contour_batch()) for _ in range(3)]
    values[0].backward()
    assert [value.item() > 0 for value in values] == [False, False, True]


def test_active_boundary_follows_the_runner_through_a_resume(monkeypatch):
    hub = MessageHub('a_runner')
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)
    loss = ActiveBoundaryLoss(max_ratio=0.1, start_iter=1500)
    for iteration, active in ((0, False), (1499, False), (1500, True), (9000, True)):
        hub.update_info('iter', iteration)
        assert (loss(*contour_batch()).item() > 0) == active
