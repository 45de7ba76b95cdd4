"""The class of every pixel, and how sure the network is of the rare ones."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ext.functional.decision import decide, probabilities


@given(st.integers(0, 10**6), st.integers(2, 6))
def test_equals_argmax_and_softmax(seed, classes):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randint(-3, 4, (classes, 5, 7), generator=generator).float()  # many ties
    mask, confidence = decide(logits)
    expected = logits.argmax(0)
    assert mask.dtype == torch.uint8
    assert torch.equal(mask.long(), expected)
    top = logits.softmax(0).max(0).values[expected > 0]
    torch.testing.assert_close(confidence, top)
    assert confidence.dtype == torch.float32


def test_one_channel_is_compared_with_the_threshold():
    logits = torch.tensor([[[-1.0, 0.0, 2.0]]])
    mask, confidence = decide(logits, threshold=0.4)
    assert mask.tolist() == [[0, 1, 1]]
    assert confidence.tolist() == pytest.approx([0.5, 0.8807970])
    assert probabilities(logits).flatten().tolist() == pytest.approx([0.2689414, 0.5, 0.8807970])


def test_probabilities_sum_to_one():
    total = probabilities(torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))).sum(0)
    torch.testing.assert_close(total, torch.ones(3, 5))


def test_an_image_without_defects():
    mask, confidence = decide(torch.tensor([1.0, 0.0])[:, None, None].expand(2, 4, 4))
    assert not mask.any()
    assert confidence.shape == (0,)
