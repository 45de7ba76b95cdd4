"""BalancedCrossEntropyLoss: the share of each class by hand, and its course over a run."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub

from mmseg_ext.functional.class_balance import balancing_weights
from mmseg_ext.models.losses import BalancedCrossEntropyLoss

# Six pixels of class 0, two of class 1, none of class 2, two ignored.
LABEL = torch.tensor([[[0, 0, 0, 1, 0], [0, 1, 0, 255, 255]]])


@pytest.fixture
def hub(monkeypatch) -> MessageHub:
    hub = MessageHub('test_balanced_cross_entropy_loss')
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)
    return hub


def test_weights_by_hand():
    label = LABEL.clone()
    label[0, 1, 4] = 1  # 6, 3 and 0 pixels
    assert balancing_weights(label, 3, 0.0).tolist() == [1, 1, 0]
    assert balancing_weights(label, 3, 1.0).tolist() == [1 / 6, 1 / 3, 0]
    torch.testing.assert_close(
        balancing_weights(label, 3, 0.5), torch.tensor([6**-0.5, 3**-0.5, 0], dtype=torch.double)
    )
    assert balancing_weights(label, 3, 1.0, ignore_index=0).tolist() == [0, 1 / 3, 0]
    assert balancing_weights(torch.full((1, 2, 2), 255), 3, 1.0).tolist() == [0, 0, 0]


@pytest.mark.parametrize('label_value', [-1, 3])
def test_a_stray_label_counts_for_no_class(label_value):
    label = LABEL.masked_fill(LABEL == 255, label_value)
    assert balancing_weights(label, 3, 1.0).equal(balancing_weights(LABEL, 3, 1.0))


def test_power_1_is_the_mean_of_the_classes_means_and_power_0_that_of_the_pixels(hub):
    logits = torch.randn(1, 3, 2, 5, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    terms = F.cross_entropy(logits, LABEL, ignore_index=255, reduction='none')
    means = [terms[name == LABEL].mean() for name in (0, 1)]
    torch.testing.assert_close(BalancedCrossEntropyLoss(1, 1)(logits, LABEL), sum(means) / 2)
    torch.testing.assert_close(BalancedCrossEntropyLoss(0, 0)(logits, LABEL), terms[LABEL != 255].mean())
    # At one half a class has the share of the root of its pixels: 6 and 2.
    shares = math.sqrt(6), math.sqrt(2)
    expected = (shares[0] * means[0] + shares[1] * means[1]) / sum(shares)
    torch.testing.assert_close(BalancedCrossEntropyLoss(0.5, 0.5)(logits, LABEL), expected)


def test_a_pixels_weight_multiplies_its_term_and_not_the_divisor(hub):
    logits, weight = torch.randn(1, 3, 2, 5, dtype=torch.double), torch.rand(1, 2, 5, dtype=torch.double)
    terms = F.cross_entropy(logits, LABEL, ignore_index=255, reduction='none') * weight
    means = [terms[name == LABEL].mean() for name in (0, 1)]
    torch.testing.assert_close(BalancedCrossEntropyLoss(1, 1)(logits, LABEL, weight), sum(means) / 2)


def test_power_falls_evenly_from_the_first_iteration_to_the_last(hub):
    loss = BalancedCrossEntropyLoss(power=0.9, final_power=0.1)
    assert loss._power_now() == 0.9  # outside a runner
    hub.update_info('max_iters', 101)
    for done, expected in ((0, 0.9), (25, 0.7), (50, 0.5), (100, 0.1), (150, 0.1)):
        hub.update_info('iter', done)
        assert loss._power_now() == pytest.approx(expected)


def test_a_run_of_one_iteration_is_its_first(hub):
    hub.update_info('max_iters', 1)
    hub.update_info('iter', 0)
    assert BalancedCrossEntropyLoss()._power_now() == 1.0


@pytest.mark.parametrize('options', [dict(power=1.1), dict(final_power=-0.1)])
def test_powers_outside_0_to_1_are_refused(options):
    with pytest.raises(ValueError, match=r'in 0\.\.1'):
        BalancedCrossEntropyLoss(**options)
