"""Attention with terms for rows and columns: the formula, place by place."""

import pytest
import torch
from torch import Tensor

from mmseg_ext.functional.decomposed_attention import decomposed_attention

GRID = (3, 2)


def inputs(count: int = 2, heads: int = 2, channels: int = 4) -> list[Tensor]:
    generator = torch.Generator().manual_seed(5)
    shapes = [(count, heads, GRID[0] * GRID[1], channels)] * 3 + [(2 * side - 1, channels) for side in GRID]
    return [torch.randn(shape, generator=generator, dtype=torch.double) for shape in shapes]


def by_hand(query: Tensor, key: Tensor, value: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    height, width = GRID
    result = torch.zeros_like(query)
    for here in range(height * width):
        scores = []
        for there in range(height * width):
            down, right = here // width - there // width, here % width - there % width
            terms = (
                key[:, :, there] / query.shape[-1] ** 0.5 + rows[down + height - 1] + columns[right + width - 1]
            )
            scores.append((query[:, :, here] * terms).sum(-1))
        shares = torch.stack(scores, dim=-1).softmax(-1)
        result[:, :, here] = (shares[..., None] * value).sum(2)
    return result


def test_scores_have_a_term_for_rows_and_one_for_columns():
    parts = inputs()
    torch.testing.assert_close(decomposed_attention(*parts), by_hand(*parts), atol=1e-12, rtol=1e-12)


def test_gradients_are_those_of_the_formula():
    gradients = []
    for attention in (decomposed_attention, by_hand):
        parts = [part.requires_grad_() for part in inputs()]
        gradients.append(torch.autograd.grad(attention(*parts).square().sum(), parts))
    for own, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(own, expected, atol=1e-10, rtol=1e-10)


def test_tables_of_zeros_leave_plain_attention():
    query, key, value, rows, columns = inputs()
    plain = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    found = decomposed_attention(query, key, value, 0 * rows, 0 * columns)
    torch.testing.assert_close(found, plain, atol=1e-12, rtol=1e-12)


def test_nothing_of_the_size_of_all_pairs_is_kept_for_the_backward_pass():
    sizes = []
    tables = [torch.randn(2 * 24 - 1, 8), torch.randn(2 * 16 - 1, 8)]
    parts = [torch.randn(1, 1, 24 * 16, 8, requires_grad=True) for _ in range(3)]
    keep = torch.autograd.graph.saved_tensors_hooks(
        lambda kept: sizes.append(kept.numel()) or kept, lambda kept: kept
    )
    with keep:
        decomposed_attention(*parts, *tables)
    assert 0 < max(sizes) < (24 * 16) ** 2 / 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
@pytest.mark.parametrize(('kind', 'error'), [(torch.float32, 1e-4), (torch.bfloat16, 0.05)])
def test_a_gpu_computes_the_same(kind, error):
    parts = [part.to('cuda', kind) for part in inputs()]
    found = decomposed_attention(*parts).double().cpu()
    torch.testing.assert_close(found, by_hand(*inputs()), atol=error, rtol=error)
