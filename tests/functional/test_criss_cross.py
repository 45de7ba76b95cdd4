"""Criss-cross attention against a loop over pixels, by hand, and through its gradient."""

import math

import pytest
import torch
from torch import Tensor

from mmseg_ext.functional.criss_cross import criss_cross_attention


def pixel_by_pixel(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The definition, read off the paper: a softmax over the H + W - 1 pixels in row and column of each pixel."""
    result = torch.zeros(query.shape[0], value.shape[1], *query.shape[2:], dtype=value.dtype)
    for n, y, x in torch.cartesian_prod(*(torch.arange(s) for s in (len(query), *query.shape[2:]))).tolist():
        cross = {(i, x) for i in range(query.shape[2])} | {(y, j) for j in range(query.shape[3])}
        energy = torch.stack([query[n, :, y, x] @ key[n, :, i, j] for i, j in sorted(cross)])
        weights = torch.exp(energy - energy.max())
        values = torch.stack([value[n, :, i, j] for i, j in sorted(cross)])
        result[n, :, y, x] = (weights / weights.sum()) @ values
    return result


def random(*shape: int) -> list[Tensor]:
    n, k, c, h, w = shape
    generator = torch.Generator().manual_seed(h * 10 + w)
    return [torch.randn(n, each, h, w, dtype=torch.double, generator=generator) for each in (k, k, c)]


@pytest.mark.parametrize('size', [(3, 5), (5, 3), (4, 4), (1, 4), (4, 1), (1, 1)])
def test_equals_the_loop_over_pixels(size):
    tensors = random(2, 2, 3, *size)
    assert torch.allclose(criss_cross_attention(*tensors), pixel_by_pixel(*tensors), atol=1e-12)


def test_by_hand():
    # Query 1 everywhere; key ln 1, ln 2 / ln 4, ln 8: the weights of a cross are 1, 2, 4, 8 over their sum.
    query = torch.ones(1, 1, 2, 2)
    key = torch.tensor([[1.0, 2.0], [4.0, 8.0]]).log()[None, None]
    value = torch.tensor([[10.0, 20.0], [30.0, 40.0]])[None, None]
    expected = torch.tensor(
        [
            [(1 * 10 + 2 * 20 + 4 * 30) / 7, (1 * 10 + 2 * 20 + 8 * 40) / 11],
            [(1 * 10 + 4 * 30 + 8 * 40) / 13, (2 * 20 + 4 * 30 + 8 * 40) / 14],
        ]
    )
    assert torch.allclose(criss_cross_attention(query, key, value)[0, 0], expected)


def test_the_pixel_itself_counts_once():
    flat = torch.zeros(1, 1, 3, 4)
    value = torch.zeros(1, 1, 3, 4)
    value[0, 0, 1, 2] = 1
    assert criss_cross_attention(flat, flat, value)[0, 0, 1, 2].item() == pytest.approx(1 / (3 + 4 - 1))


def test_a_pixel_off_the_cross_has_no_say():
    query, key, value = random(1, 2, 1, 3, 3)
    before = criss_cross_attention(query, key, value)[0, 0, 0, 0]
    key[..., 1:, 1:], value[..., 1:, 1:] = 100, 100
    assert criss_cross_attention(query, key, value)[0, 0, 0, 0] == before


@pytest.mark.parametrize('size', [(2, 3), (1, 2)])
def test_gradient(size):
    assert torch.autograd.gradcheck(criss_cross_attention, [t.requires_grad_() for t in random(2, 2, 2, *size)])


def test_large_energies_stay_finite():
    tensors = [tensor.float() * 100 for tensor in random(1, 2, 2, 3, 4)]
    assert math.isfinite(criss_cross_attention(*tensors).sum())
