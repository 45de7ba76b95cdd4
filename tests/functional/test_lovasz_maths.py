"""The Jaccard loss itself is the oracle for certain predictions, a pixel-by-pixel sum for uncertain ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmseg_ext.functional.lovasz import lovasz_softmax_loss

ROWS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0, 1, 2, 255])), min_size=1, max_size=12)


def jaccard_loss(wrong: list[int], members: set[int]) -> float:
    """1 - |kept| / |union| when the pixels ``wrong`` are missed by, or added to, the set ``members``."""
    added, missed = set(wrong) - members, set(wrong) & members
    return 1 - (len(members) - len(missed)) / len(members | added)


def naive(logits: Tensor, label: Tensor) -> Tensor:
    keep = (label != 255).flatten()
    probs, truth = logits.softmax(1).movedim(1, -1).reshape(-1, logits.shape[1])[keep], label.flatten()[keep]
    losses = []
    for c in truth.unique().tolist():
        errors = ((truth == c).double() - probs[:, c]).abs()
        members, order = set((truth == c).nonzero().flatten().tolist()), errors.argsort(descending=True).tolist()
        steps = [
            jaccard_loss(order[: i + 1], members) - jaccard_loss(order[:i], members) for i in range(len(order))
        ]
        losses.append(sum(errors[pixel] * step for pixel, step in zip(order, steps, strict=True)))
    return sum(losses) / len(losses)


@settings(max_examples=50, deadline=None)
@given(ROWS)
def test_certain_predictions_cost_one_minus_mean_jaccard_of_the_present_classes(rows):
    predicted, label = (torch.tensor(column) for column in zip(*rows, strict=True))
    logits = torch.nn.functional.one_hot(predicted, 3).T.double().view(1, 3, 1, -1) * 100
    valid = label != 255
    scores = [
        ((predicted == c) & (label == c)).sum() / (((predicted == c) | (label == c)) & valid).sum()
        for c in label[valid].unique()
    ]
    expected = 1 - sum(scores) / len(scores) if scores else 0
    assert lovasz_softmax_loss(logits, label.view(1, 1, -1)).item() == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize('seed', range(4))
def test_equals_the_sum_over_sorted_pixels(seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 4, 3, 5, dtype=torch.double, generator=generator, requires_grad=True)
    label = torch.randint(0, 3, (2, 3, 5), generator=generator)  # class 3 is absent
    label[0, 0, :3] = 255
    ours, expected = lovasz_softmax_loss(logits, label), naive(logits, label)
    torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(*(torch.autograd.grad(loss, logits)[0] for loss in (ours, expected)))


def test_weight_is_how_often_a_pixel_counts():
    logits = torch.randn(1, 3, 1, 6, dtype=torch.double)
    label = torch.tensor([[[0, 0, 1, 1, 2, 2]]])
    times = torch.tensor([2, 1, 0, 3, 1, 1])
    repeated = lovasz_softmax_loss(logits.repeat_interleave(times, 3), label.repeat_interleave(times, 2))
    torch.testing.assert_close(lovasz_softmax_loss(logits, label, times.view(1, 1, 6)), repeated)


def test_one_valid_pixel():
    label = torch.full((1, 2, 2), 255)
    label[0, 1, 1] = 1
    loss = lovasz_softmax_loss(torch.zeros(1, 2, 2, 2), label)
    assert loss.item() == pytest.approx(0.5)
