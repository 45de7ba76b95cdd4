"""The score of reverse prompting by hand."""

import math

import pytest
import torch

from mmseg_ext.functional.cycle import SILENCE, cycle_scores, mean_confidence, region_iou, silenced


def logits_of(mask: list, sure: float, classes: int = 2) -> torch.Tensor:
    """(1, C, H, W) logits that predict ``mask`` with probability ``sure`` everywhere."""
    onehot = torch.nn.functional.one_hot(torch.tensor(mask), classes).permute(2, 0, 1)[None]
    others = (1 - sure) / (classes - 1)
    return torch.where(onehot > 0, math.log(sure), math.log(others))


def test_confidence_is_that_of_the_defect_alone():
    mixed = logits_of([[0, 1], [0, 1]], 0.9)
    mixed[..., 0, 1] = logits_of([[1]], 0.7)[..., 0, 0]
    assert mean_confidence(mixed).tolist() == pytest.approx([0.8])
    assert mean_confidence(logits_of([[0, 0]], 0.9)).tolist() == [0]
    both = torch.cat([logits_of([[1, 2]], 0.6, 3), logits_of([[0, 2]], 0.5, 3)])
    assert mean_confidence(both).tolist() == pytest.approx([0.6, 0.5])


def test_iou_by_hand():
    label = torch.tensor([[[1, 1, 0, 0]], [[1, 2, 2, 255]], [[0, 0, 0, 0]]])
    pred = torch.tensor([[[1, 0, 1, 0]], [[1, 2, 0, 1]], [[1, 0, 0, 0]]])
    assert region_iou(pred, label).tolist() == pytest.approx([1 / 3, (1 + 1 / 2) / 2, 0])


def test_score_is_the_product():
    forward = logits_of([[0, 1], [1, 1]], 0.9)[0]
    reverse = torch.cat([logits_of([[1, 1], [0, 0]], 0.8), logits_of([[0, 0], [1, 1]], 0.8)])
    label = torch.tensor([[[1, 0], [0, 0]]] * 2)
    assert cycle_scores(forward, reverse, label).tolist() == pytest.approx([0.9 * 0.8 * 0.5, 0])


def test_silence_is_background_and_stays_finite():
    logits = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 30
    quiet = silenced(logits, torch.tensor([True, False]))
    assert torch.equal(quiet[1], logits[1])
    assert torch.equal(quiet[0, 0], logits[0, 0])
    assert (quiet[0].argmax(0) == 0).all()
    assert quiet[0].softmax(0)[0].min() > 1 - 3 * math.exp(-SILENCE) - 1e-6
