"""Criss-cross attention, Huang et al. 2018 (https://arxiv.org/abs/1811.11721): a pixel sees its row and column."""

import torch
from torch import Tensor


def criss_cross_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """For every pixel the mean of ``value`` over its row and column, weighed by softmax(query . key).

    ``query`` and ``key`` are (N, K, H, W), ``value`` and the result (N, C, H, W). One softmax runs over the
    H + W - 1 pixels of the cross; its centre, which lies on both arms, is counted once, with the row. Memory grows
    with N H W (H + W), where attention between all pixels takes N (H W)^2.
    """
    rows = torch.arange(query.shape[2], device=query.device)
    centre = (rows[:, None] == rows)[:, None, :]  # (H, 1, H): at pixel (y, x), the y-th of the column
    column = torch.einsum('nkyx,nkix->nyxi', query, key).masked_fill(centre, float('-inf'))
    row = torch.einsum('nkyx,nkyj->nyxj', query, key)
    attention = torch.cat([column, row], dim=-1).softmax(-1)
    in_column, in_row = attention.split([query.shape[2], query.shape[3]], dim=-1)
    return torch.einsum('nyxi,ncix->ncyx', in_column, value) + torch.einsum('nyxj,ncyj->ncyx', in_row, value)
