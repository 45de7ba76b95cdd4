"""When a skeleton is made anew, and what the loss asks of a prediction."""

import pytest
import torch
from torch import Tensor

from mmseg_ext.models.losses import SkeletonRecallLoss, skeleton_recall_loss


def line(row: int = 4) -> Tensor:
    label = torch.zeros(2, 12, 30, dtype=torch.long)
    label[:, row, 3:27] = 1
    return label


@pytest.fixture
def made(monkeypatch) -> list:
    """Grows by one with each skeleton that is made."""
    calls, original = [], skeleton_recall_loss.tubed_skeleton
    monkeypatch.setattr(skeleton_recall_loss, 'tubed_skeleton', lambda *given: calls.append(1) or original(*given))
    return calls


def test_outputs_of_one_label_share_a_skeleton(made):
    loss, label = SkeletonRecallLoss(), line()
    values = [loss(torch.full((2, 1, 12, 30), logit), label) for logit in (0.0, 2.0, 2.0)]
    assert len(made) == 1
    assert values[0].item() == pytest.approx(0.5, abs=1e-4)
    assert values[1] == values[2] < values[0]


def test_another_label_and_one_changed_in_place_have_their_own(made):
    loss, label = SkeletonRecallLoss(), line()
    logits = torch.where(label == 1, 30.0, -30.0).unsqueeze(1)
    assert loss(logits, label).item() == pytest.approx(0, abs=1e-5)
    assert loss(logits, line(8)).item() == pytest.approx(1, abs=1e-5)
    label.copy_(line(8))
    assert loss(logits, label).item() == pytest.approx(1, abs=1e-5)
    assert loss(logits, label, ignore_index=1).item() == 0
    assert len(made) == 4


def test_labels_of_earlier_batches_are_let_go(made):
    loss = SkeletonRecallLoss()
    for row in (2, 4, 6, 8):
        label = line(row)
        logits = torch.where(label == 1, 30.0, -30.0).unsqueeze(1)
        assert loss(logits, label).item() == pytest.approx(0, abs=1e-5)
        del label
    assert loss.last[0]() is None
    assert len(made) == 4


def test_false_alarms_cost_nothing_and_gaps_do():
    label, loss = line(), SkeletonRecallLoss()
    everything = torch.full((2, 1, 12, 30), 30.0)
    assert loss(everything, label).item() == pytest.approx(0, abs=1e-5)
    everything[..., 12:18] = -30.0
    assert loss(everything, label).item() == pytest.approx(6 / 24, abs=1e-5)


def test_labels_of_inference_mode_serve_too():
    with torch.inference_mode():
        label = line()
        logits = torch.where(label == 1, 30.0, -30.0).unsqueeze(1)
        loss = SkeletonRecallLoss()
        assert loss(logits, label).item() == pytest.approx(0, abs=1e-5)
        label.copy_(line(8))
        assert loss(logits, label).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize('settings', [dict(radius=-1), dict(smooth=0.0)])
def test_settings_without_meaning_are_refused(settings):
    with pytest.raises(ValueError, match=r'SkeletonRecallLoss: need radius >= 0 and smooth > 0'):
        SkeletonRecallLoss(**settings)
