"""Adaptive average pooling as two matrix products, which ONNX can express for every size.

ONNX knows pooling by windows of one size only. Where the size of the input is no multiple of that of the output,
the windows of ``adaptive_avg_pool2d`` differ by a pixel and overlap; and where images may have any size, they are
unknown until the image is there. As a product with a matrix of averages, all of it is plain arithmetic.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor


def window_averages(size: int, bins: int, like: Tensor) -> Tensor:
    """(bins, size) matrix whose row i averages window i of a line of ``size`` pixels; rows sum to 1.

    Window i is the pixels x with floor(i size / bins) <= x < ceil((i + 1) size / bins). Both bounds are compared
    in whole numbers: x + 1 > i size / bins and x < (i + 1) size / bins. dtype and device are those of ``like``.
    """
    pixel = torch.arange(size, device=like.device)
    window = torch.arange(bins, device=like.device)[:, None]
    inside = ((pixel + 1) * bins > window * size) & (pixel * bins < (window + 1) * size)
    weights = inside.to(like.dtype)
    return weights / weights.sum(1, keepdim=True)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """``torch.nn.functional.adaptive_avg_pool2d`` of (…, H, W) up to rounding; None keeps a side's length."""
    height, width = input.shape[-2:]
    rows, columns = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    rows, columns = height if rows is None else rows, width if columns is None else columns
    if (rows, columns) == (1, 1):
        return input.mean((-2, -1), keepdim=True)
    return window_averages(height, rows, input) @ input @ window_averages(width, columns, input).mT


@contextmanager
def exportable_pooling() -> Iterator[None]:
    """Within the block every adaptive average pooling, as a module or as a function, is the one above."""
    original = F.adaptive_avg_pool2d
    F.adaptive_avg_pool2d = adaptive_avg_pool2d
    try:
        yield
    finally:
        F.adaptive_avg_pool2d = original
