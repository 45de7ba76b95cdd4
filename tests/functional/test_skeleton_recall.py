"""Tubes drawn by hand, the published recipe in scikit-image's words as the oracle, recalls counted by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.ndimage import generate_binary_structure, iterate_structure
from skimage.morphology import dilation, thin
from torch import Tensor

from mmseg_ext.functional.skeleton_recall import recall_on, tubed_skeleton


def drawn(*rows: str) -> Tensor:
    """A label of one image; x is ignored."""
    return torch.tensor([[[255 if sign == 'x' else int(sign) for sign in row] for row in rows]])


def test_a_thick_bar_keeps_five_rows():
    label = torch.zeros(1, 17, 40, dtype=torch.long)
    label[:, 3:14, 2:38] = 1
    tube = tubed_skeleton(label)[0]
    assert tube[:, 20].nonzero()[:, 0].tolist() == [6, 7, 8, 9, 10]
    assert tubed_skeleton(label, radius=0)[0, :, 20].nonzero()[:, 0].tolist() == [8]


@pytest.mark.parametrize('width', [1, 2, 3, 4])
def test_a_thin_line_is_its_own_tube_but_for_corners(width):
    label = torch.zeros(1, 12, 40, dtype=torch.long)
    label[:, 4 : 4 + width, 5:35] = 1
    tube = tubed_skeleton(label)
    assert not (tube & (label == 0)).any()
    assert torch.equal(tube[..., 7:33], label[..., 7:33] == 1)
    assert ((label == 1) & ~tube).sum() <= 2 * (width - 1)


def test_classes_share_one_skeleton_and_ignored_pixels_have_none():
    label = drawn(
        '0000000000',
        '1111222222',
        '0000000000',
        'xxxxxxx000',
        '0000000330',
    )
    assert torch.equal(tubed_skeleton(label), (label > 0) & (label < 255))
    assert torch.equal(tubed_skeleton(label, ignore_index=2), (label > 0) & (label != 2))
    # Two bars that touch, in rows 1 to 5 and 6 to 10, have their tube around the middle of both, row 6.
    label = torch.tensor([[0] * 20, *[[1] * 20] * 5, *[[2] * 20] * 5, [0] * 20])[None]
    assert tubed_skeleton(label)[0, :, 10].nonzero()[:, 0].tolist() == [4, 5, 6, 7, 8]


def test_a_diagonal_bar_keeps_its_tube():
    """Eight diagonals wide: the published rule leaves a single pixel of such a bar."""
    row, col = torch.meshgrid(torch.arange(60), torch.arange(60), indexing='ij')
    bar = ((row - col >= 0) & (row - col < 8) & (row + col > 15) & (row + col < 105)).long()
    assert tubed_skeleton(bar[None], radius=0).sum() > 35


def test_an_empty_label_has_an_empty_tube():
    assert not tubed_skeleton(torch.zeros(2, 6, 7, dtype=torch.long)).any()
    assert not tubed_skeleton(torch.full((2, 6, 7), 255)).any()


@settings(max_examples=60, deadline=None)
@given(npst.arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(0, 2)))
def test_equals_the_published_recipe_but_for_the_rule_of_thinning(mask):
    footprint = iterate_structure(generate_binary_structure(2, 1), 2)
    expected = dilation(thin(mask > 0).astype(np.uint8), footprint) * mask
    tube = tubed_skeleton(torch.from_numpy(mask.astype(np.int64))[None])[0].numpy()
    np.testing.assert_array_equal(tube * mask, expected)


def test_recall_counts_the_probability_on_the_tube_alone():
    label, tube = torch.tensor([[[1, 1, 1, 1, 0, 0]]]), torch.tensor([[[True, True, True, False, False, False]]])
    probs = torch.tensor([0.9, 0.6, 0.3, 0.1, 0.8, 0.2], dtype=torch.double)
    logits = probs.logit().view(1, 1, 1, 6)
    assert recall_on(tube, logits, label).item() == pytest.approx(1.8 / 3, abs=1e-5)
    softmax = torch.cat([torch.zeros_like(logits), logits], 1)
    assert recall_on(tube, softmax, label).item() == pytest.approx(1.8 / 3, abs=1e-5)
    assert recall_on(tube, logits, label, smooth=1.0).item() == pytest.approx(2.8 / 4)
    weight = torch.tensor([[[0.0, 2.0, 1.0, 7.0, 7.0, 7.0]]])
    assert recall_on(tube, logits, label, weight).item() == pytest.approx((1.2 + 0.3) / 3, abs=1e-5)


def test_recall_is_the_mean_over_classes_and_not_over_pixels():
    label = torch.tensor([[[1, 2, 2, 2]], [[1, 0, 0, 0]]])
    logits = torch.zeros(2, 4, 1, 4, dtype=torch.double)
    logits[:, 2] = 50.0  # class 2 is predicted everywhere; class 3 is nowhere
    assert recall_on(label > 0, logits, label).item() == pytest.approx((0 + 1 + 1) / 3, abs=1e-5)
    assert recall_on(label > 9, logits, label).item() == 1


def test_a_gap_in_the_middle_costs_its_share_of_the_line():
    label = torch.zeros(1, 9, 20, dtype=torch.long)
    label[:, 4] = 1
    logits = torch.where(label == 1, 30.0, -30.0).unsqueeze(1)
    assert recall_on(tubed_skeleton(label), logits, label).item() == pytest.approx(1)
    logits[..., 8:12] = -30.0
    assert recall_on(tubed_skeleton(label), logits, label).item() == pytest.approx(16 / 20, abs=1e-5)
