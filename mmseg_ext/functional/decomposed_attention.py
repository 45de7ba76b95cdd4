"""Attention whose scores have a term for the rows and one for the columns between two places of a grid."""

import torch
import torch.nn.functional as F
from torch import Tensor


def decomposed_attention(query: Tensor, key: Tensor, value: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """softmax(q k / sqrt(C) + q r[y - y'] + q c[x - x']) v for places (y, x) and (y', x') of a grid of H x W.

    ``query``, ``key``, ``value`` and the result are (N, heads, H W, C), row after row; ``rows`` (2H - 1, C) and
    ``columns`` (2W - 1, C) are the tables r and c, from the most negative distance to the most positive (Li et al.
    2022, https://arxiv.org/abs/2112.01526).

    The terms depend on the key by its row and its column alone. So they are H + W further channels of the query,
    and the key says with ones and zeros which two of these are its own: one fused attention then does it all, and
    no matrix of H W x H W scores is kept for the backward pass.
    """
    height, width, channels = (len(rows) + 1) // 2, (len(columns) + 1) // 2, query.shape[-1]
    grid = query.unflatten(2, (height, width))
    by_row = torch.einsum('nhyxc,ykc->nhyxk', grid, _distances(rows, height)).flatten(2, 3)
    by_column = torch.einsum('nhyxc,xkc->nhyxk', grid, _distances(columns, width)).flatten(2, 3)
    place = _places(height, width, query.device).to(key.dtype).expand(*key.shape[:2], -1, -1)
    query = torch.cat([query * channels**-0.5, by_row, by_column], dim=-1)
    key = torch.cat([key, place], dim=-1)
    value = F.pad(value, (0, height + width))  # fused kernels want one width for all three
    return F.scaled_dot_product_attention(query, key, value, scale=1.0)[..., :channels]


def _distances(table: Tensor, size: int) -> Tensor:
    """The table (2 size - 1, C) spread out to (size, size, C): from every place of the query to every key's."""
    place = torch.arange(size, device=table.device)
    return table[place[:, None] - place + size - 1]


def _places(height: int, width: int, device: torch.device) -> Tensor:
    """(H W, H + W): ones at the row and at the column of each place."""
    row = torch.eye(height, device=device).repeat_interleave(width, dim=0)
    return torch.cat([row, torch.eye(width, device=device).repeat(height, 1)], dim=1)
