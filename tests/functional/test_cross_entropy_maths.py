"""torch's own cross-entropies are the oracles."""

import pytest
import torch
import torch.nn.functional as F

from mmseg_ext.functional.cross_entropy import masked_binary_cross_entropy, masked_cross_entropy


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    label = torch.randint(0, 4, (2, 5, 6), generator=generator)
    label[:, 2] = 255
    return torch.randn(2, 4, 5, 6, dtype=torch.double, generator=generator), label


@pytest.mark.parametrize('class_weight', [None, [0.1, 0.3, 0.6, 2.0]])
@pytest.mark.parametrize('smoothing', [0.0, 0.2])
def test_equals_torch(batch, class_weight, smoothing):
    logits, label = batch
    class_weight = None if class_weight is None else torch.tensor(class_weight, dtype=torch.double)
    expected = F.cross_entropy(logits, label, class_weight, ignore_index=255, label_smoothing=smoothing)
    ones = torch.ones(label.shape)
    for weight in (None, ones):
        ours = masked_cross_entropy(logits, label, class_weight, smoothing, weight)
        torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(
        masked_cross_entropy(logits, label, class_weight, smoothing, 3 * ones), 3 * expected
    )


def test_classes_of_weight_0_alone_cost_nothing(batch):
    logits, label = batch
    zero = torch.zeros(4, dtype=torch.double)
    assert masked_cross_entropy(logits, label, zero).item() == 0


def test_binary_equals_torch_on_the_valid_pixels(batch):
    logits, label = batch
    valid = label != 255
    target = F.one_hot(label[valid], 4).double()
    expected = F.binary_cross_entropy_with_logits(logits.movedim(1, -1)[valid], target)
    torch.testing.assert_close(masked_binary_cross_entropy(logits, label), expected)


def test_single_logit_is_the_probability_of_class_1(batch):
    logits, label = batch[0][:, :1], batch[1].clamp_max(1).where(batch[1] != 255, 255)
    valid = label != 255
    weight = torch.rand(label.shape, dtype=torch.double)
    terms = F.binary_cross_entropy_with_logits(logits[:, 0][valid], label[valid].double(), reduction='none')
    torch.testing.assert_close(masked_binary_cross_entropy(logits, label), terms.mean())
    weighted = masked_binary_cross_entropy(logits, label, weight)
    torch.testing.assert_close(weighted, (terms * weight[valid]).mean())
