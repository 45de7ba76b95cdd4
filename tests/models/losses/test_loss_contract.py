"""What every loss promises, whichever it is: one list of settings, one test a promise."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from mmseg.registry import MODELS
from torch import Tensor

import mmseg_ext.models  # noqa: F401

NAMES = [
    'SoftmaxFocalLoss',
    'SoftTverskyLoss',
    'SoftDiceLoss',
    'MaskedCrossEntropyLoss',
    'BalancedCrossEntropyLoss',
    'BCEDiceLoss',
    'BinaryCrossEntropyLoss',
    'SigmoidFocalLoss',
    'SkeletonRecallLoss',
    'FocalDiceLoss',
    'LovaszSoftmaxLoss',
    'ActiveBoundaryLoss',
    'KervadecBoundaryLoss',
]
SINGLE_LOGIT = ['BCEDiceLoss', 'BinaryCrossEntropyLoss', 'SigmoidFocalLoss', 'SkeletonRecallLoss']
SHAPES = ('ActiveBoundary', 'KervadecBoundary', 'SkeletonRecall')  # look at neighbours, the others at pixels
SETTINGS = [
    *({'type': name} for name in NAMES if name != 'ActiveBoundaryLoss'),
    dict(type='ActiveBoundaryLoss', max_ratio=0.1, detach=False),
    dict(type='SoftmaxFocalLoss', alpha=[0.1, 0.3, 0.6], gamma=0.5),
    dict(type='SigmoidFocalLoss', alpha=None, gamma=0.5),
    dict(type='SoftTverskyLoss', alpha=0.2, beta=0.8, gamma=0.75),
    dict(type='SoftDiceLoss', per_image=True),
    dict(type='FocalDiceLoss', variant='source', gamma=0.5),
    dict(type='MaskedCrossEntropyLoss', class_weight=[0.1, 0.3, 0.6], label_smoothing=0.1),
]


def name_of(settings: dict) -> str:
    return '-'.join(f'{key}={value}' if key != 'type' else value for key, value in settings.items())


every_loss = pytest.mark.parametrize('settings', SETTINGS, ids=name_of)
every_name = pytest.mark.parametrize('name', NAMES)


def scene(seed: int = 0, ignored: bool = True, size: int = 10) -> tuple[Tensor, Tensor]:
    """Two images, three classes; the contours stay away from the ignored strip."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, size, size, dtype=torch.double, generator=generator) * 2
    label = torch.zeros(2, size, size, dtype=torch.long)
    label[0, :3, :4], label[0, 6:8, 1:3], label[1, 1:3, 1:3] = 1, 2, 2
    if ignored:
        label[:, :, -2:] = 255
    return logits.requires_grad_(), label


def value_and_gradient(loss, logits: Tensor, label: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    value = loss(logits, label, weight=weight, ignore_index=255)
    return value.detach(), torch.autograd.grad(value, logits)[0]


@every_name
def test_builds_with_defaults_and_returns_a_scalar(name):
    loss = MODELS.build(dict(type=name))
    assert loss.loss_name.startswith('loss_')
    assert loss.loss_weight == 1.0
    value = loss(*scene())
    assert value.shape == ()
    assert value.requires_grad


def test_default_names_are_distinct():
    assert len({MODELS.build(dict(type=name)).loss_name for name in NAMES}) == len(NAMES)


@every_loss
def test_loss_weight_scales_value_and_gradient(settings):
    one, many = MODELS.build(settings), MODELS.build(dict(settings, loss_weight=2.5))
    for a, b in zip(value_and_gradient(one, *scene()), value_and_gradient(many, *scene()), strict=True):
        torch.testing.assert_close(2.5 * a, b)


@every_loss
def test_gradcheck(settings):
    """The active boundary loss with nothing held constant: otherwise its gradient is, on purpose, another one."""
    logits, label = scene(size=8)
    weight = torch.rand(label.shape, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    loss = MODELS.build(settings)
    for chosen in (None, weight):
        assert torch.autograd.gradcheck(lambda x, w=chosen: loss(x, label, w), logits)


@every_loss
@effort(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.0, 1.0, 30.0]))
def test_ignored_pixels_change_neither_value_nor_gradient(settings, seed, scale):
    logits, label = scene(seed)
    loss, ignored = MODELS.build(settings), (label == 255).unsqueeze(1).expand_as(logits)
    noise = torch.randn(logits.shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed + 1))
    other = torch.where(ignored, noise * scale, logits.detach()).requires_grad_()
    weight = (torch.rand(label.shape) * scale).masked_fill(label != 255, 1)
    value, gradient = value_and_gradient(loss, logits, label)
    for pair in (value_and_gradient(loss, other, label), value_and_gradient(loss, logits, label, weight)):
        torch.testing.assert_close(pair[0], value)
        torch.testing.assert_close(pair[1], gradient)
    assert not gradient[ignored].any()
    assert gradient.any()


@every_loss
def test_an_all_ignored_batch_is_zero_with_a_graph(settings):
    logits, label = scene()
    loss = MODELS.build(settings)
    value, gradient = value_and_gradient(loss, logits, torch.full_like(label, 255))
    assert value.item() == 0
    assert not gradient.any()


@every_loss
@pytest.mark.parametrize('batch', ['perfect', 'one class', 'all wrong', 'all ignored'])
@pytest.mark.parametrize('scale', [10.0, 1e4])
def test_float32_gradient_is_finite(settings, batch, scale):
    _, label = scene()
    shown = label.clamp_max(2) if batch != 'all wrong' else (label + 1) % 3
    logits = (torch.nn.functional.one_hot(shown, 3).movedim(-1, 1) * scale).float().requires_grad_()
    label = label * 0 if batch == 'one class' else label * 0 + 255 if batch == 'all ignored' else label
    value, gradient = value_and_gradient(MODELS.build(settings), logits, label)
    assert value.isfinite()
    assert gradient.isfinite().all()


@every_loss
def test_order_of_images_does_not_matter(settings):
    logits, label = scene()
    loss = MODELS.build(settings)
    torch.testing.assert_close(loss(logits.flip(0), label.flip(0)), loss(logits, label))


@pytest.mark.parametrize('settings', [s for s in SETTINGS if not s['type'].startswith(SHAPES)], ids=name_of)
@effort(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_of_pixels_does_not_matter(settings, seed):
    logits, label = scene(seed)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(seed))
    shuffled = logits.flatten(2)[:, :, order].view_as(logits), label.flatten(1)[:, order].view_as(label)
    loss = MODELS.build(settings)
    torch.testing.assert_close(loss(*shuffled), loss(logits, label))


@every_loss
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(settings, dtype):
    logits, label = scene()
    half = logits.detach().to(dtype)
    loss = MODELS.build(settings)
    expected = loss(half.float(), label)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(loss(half, label), expected)
        assert loss(half, label).dtype == torch.float32
        gradient = value_and_gradient(loss, half.requires_grad_(), label)[1]
    assert gradient.dtype == dtype


@every_loss
def test_another_ignore_index(settings):
    logits, label = scene()
    loss = MODELS.build(settings)
    for index in (-100, 0):
        renamed = label.where(label != 255, index)
        value = loss(logits, renamed, ignore_index=index)
        assert value.isfinite()
        if index < 0:
            torch.testing.assert_close(value, loss(logits, label))


@every_loss
def test_label_given_is_left_alone(settings):
    logits, label = scene()
    before = label.clone()
    MODELS.build(settings)(logits, label).backward()
    assert torch.equal(label, before)


@every_name
@pytest.mark.parametrize('batches_before', [0, 2])
@pytest.mark.parametrize('stray', [3, 77, -1])
def test_a_stray_label_value_is_named(name, batches_before, stray):
    logits, label = scene()
    loss = MODELS.build(dict(type=name))
    for _ in range(batches_before):
        loss(logits, label)
    label[1, 5, 5] = stray
    with pytest.raises(ValueError, match=rf'{name}: label value {stray} but 3 classes .*encoded 0/255'):
        loss(logits, label)


@pytest.mark.parametrize('name', [name for name in NAMES if name not in SINGLE_LOGIT])
def test_single_logit_is_refused_with_the_losses_that_take_it(name):
    with pytest.raises(
        ValueError, match=rf'{name}: the logits have 1 channel.*BinaryCrossEntropyLoss.*BCEDiceLoss'
    ):
        MODELS.build(dict(type=name))(torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))


@pytest.mark.parametrize('name', SINGLE_LOGIT)
def test_a_single_logit_keeps_the_promises_too(name):
    logits, label = scene(size=8)
    logits, label = logits.detach()[:, :1].requires_grad_(), label.masked_fill(label == 2, 1)
    loss, ignored = MODELS.build(dict(type=name)), (label == 255).unsqueeze(1)
    assert torch.autograd.gradcheck(lambda x: loss(x, label), logits)
    value, gradient = value_and_gradient(loss, logits, label)
    other = logits.detach().masked_fill(ignored, 9.0).requires_grad_()
    torch.testing.assert_close(loss(other, label).detach(), value)
    assert not gradient[ignored].any()
    assert (gradient[:, 0][label == 1] <= 0).all()
    assert (gradient[:, 0][label == 1] < 0).any()
    assert (gradient[:, 0][label == 0] >= 0).all()
    value, gradient = value_and_gradient(loss, logits, torch.full_like(label, 255))
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize('name', SINGLE_LOGIT)
def test_a_third_class_is_refused_for_a_single_logit(name):
    loss, label = MODELS.build(dict(type=name)), torch.zeros(1, 2, 2, dtype=torch.long)
    loss(torch.zeros(1, 1, 2, 2), label)
    with pytest.raises(ValueError, match=f'{name}: label value 2 but 2 classes'):
        loss(torch.zeros(1, 1, 2, 2), label + 2)


@every_name
def test_wrong_shapes_and_names_are_refused(name):
    with pytest.raises(ValueError, match=r'label of shape \(1, 1, 4, 4\).*expected \(N, H, W\)'):
        MODELS.build(dict(type=name))(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4, dtype=torch.long))
    with pytest.raises(ValueError, match=r"'dice' does not start with 'loss_'.*'loss_dice'"):
        MODELS.build(dict(type=name, loss_name='dice'))
