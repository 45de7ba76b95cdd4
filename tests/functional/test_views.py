"""Views of images and the mean of what is made of them."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit, softmax

from mmseg_ext.functional.views import View, mean_logits

IMAGE = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[None, None]
LOGITS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.just(2), st.sampled_from([1, 2, 3]), st.just(2), st.just(3)),
    elements=st.floats(-30, 30, width=32),
)


def test_mirrors_by_hand():
    for view, seen in (
        (View(), [[1, 2, 3], [4, 5, 6]]),
        (View(flip=True), [[3, 2, 1], [6, 5, 4]]),
        (View(vflip=True), [[4, 5, 6], [1, 2, 3]]),
        (View(flip=True, vflip=True), [[6, 5, 4], [3, 2, 1]]),
    ):
        assert view.of(IMAGE, 32)[0, 0].tolist() == seen
        assert torch.equal(view.back(view.of(IMAGE, 32), (2, 3)), IMAGE)
    assert View().of(IMAGE, 32) is IMAGE
    assert View().back(IMAGE, (2, 3)) is IMAGE


@pytest.mark.parametrize(
    ('scale', 'size'),
    [(0.75, (48, 80)), (1.25, (80, 144)), (2.0, (128, 224)), (0.1, (16, 16)), (0.5, (32, 64))],
)
def test_sizes_are_the_nearest_multiples(scale, size):
    view = View(scale=scale)
    seen = view.of(torch.zeros(2, 3, 64, 115), 16)
    assert seen.shape == (2, 3, *size)
    assert view.back(torch.zeros(2, 5, *size), (64, 115)).shape == (2, 5, 64, 115)


@pytest.mark.parametrize('scale', [0.5, 0.75, 1.5, 2.0])
@pytest.mark.parametrize(('flip', 'vflip'), list(itertools.product((False, True), repeat=2)))
def test_there_and_back_nothing_moves(scale, flip, vflip):
    """Each pixel holds its place, so that what comes back says in pixels how far it has moved."""
    places = torch.stack(torch.meshgrid(torch.arange(64.0), torch.arange(96.0), indexing='ij'))[None]
    view = View(flip, vflip, scale)
    moved = (view.back(view.of(places, 16), (64, 96)) - places)[..., 6:-6, 6:-6]
    assert moved.abs().max() < 0.03
    assert moved.mean().abs() < 1e-4


def test_a_thin_line_fades_and_does_not_break():
    line = torch.zeros(1, 1, 64, 64)
    line[..., 33] = 1
    seen = View(scale=0.25).of(line, 16)
    assert seen.sum(3)[0, 0].tolist() == pytest.approx([0.25] * 16)


def test_a_mean_by_hand():
    """Probabilities .9 and .3 give .6; the mean of the logits would give .76 (odds 9 and 3/7)."""
    one, other = (torch.tensor(p).logit().reshape(1, 1, 1, 1) for p in (0.9, 0.3))
    assert mean_logits([one, other]).sigmoid().item() == pytest.approx(0.6)
    several = [torch.tensor(each).log().reshape(1, 3, 1, 1) for each in ([0.2, 0.2, 0.6], [0.6, 0.2, 0.2])]
    np.testing.assert_allclose(mean_logits(several).softmax(1).flatten(), [0.4, 0.2, 0.4], rtol=1e-6)


@given(LOGITS)
def test_probabilities_are_averaged(logits):
    ours = mean_logits(map(torch.from_numpy, logits))
    assert (ours.dtype, ours.shape) == (torch.float32, logits.shape[1:])
    exact = logits.astype(np.float64)
    if logits.shape[2] == 1:
        np.testing.assert_allclose(ours.sigmoid(), expit(exact).mean(0), atol=1e-6)
    else:
        np.testing.assert_allclose(ours.softmax(1), softmax(exact, 2).mean(0), atol=1e-6)


def test_large_logits_keep_their_order():
    sure, surer = (torch.tensor([[[[value]]]]) for value in (200.0, 300.0))
    assert mean_logits([sure, surer]).item() == pytest.approx(200 + np.log(2))
    assert mean_logits([-sure, -surer]).item() == pytest.approx(-200 - np.log(2))


def test_half_precision_is_averaged_in_single():
    logits = torch.randn(3, 1, 2, 4, 4).half()
    assert torch.equal(mean_logits(logits), mean_logits(logits.float()))


def test_of_nothing_there_is_no_mean():
    with pytest.raises(ValueError, match='no logits'):
        mean_logits([])
