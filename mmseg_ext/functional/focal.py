"""Softmax focal loss, after Lin et al. 2017 (https://arxiv.org/abs/1708.02002), with its gradient in closed form.

For a pixel of class y with softmax probability p and l = -log p the term is ``alpha_y (1-p)^gamma l``; gamma 0 is
cross-entropy. Its slope along l is ``G = alpha_y (1-p)^gamma (1 + gamma p l / (1-p))``, and the slope of l along
logit j is ``p_j - [j == y]``; so the whole gradient is G times the softmax, less G at the label. That is one
buffer of the size of the logits, where autograd would keep and make several; training at 512x512 is bound by that.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

# Pixels handled at a time on the CPU: just under the 32768 elements from which torch splits an operation among
# threads. A dozen light operations per pixel then run in the cache, and none waits for the slower of two threads.
CPU_BLOCK = 32704


def softmax_focal_loss(
    logits: Tensor,
    label: Tensor,
    alpha: Tensor | None = None,
    gamma: float = 2.0,
    weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Mean over the valid pixels of ``alpha_y (1-p_y)^gamma (-log p_y)``, 0-d.

    ``logits`` (N, C, H, W) of any real value, ``label`` (N, H, W) with 0..C-1 or ``ignore_index``, ``alpha`` (C,)
    or None for all ones, ``weight`` (N, H, W). The divisor is the number of valid pixels, not the sum of alpha or
    of ``weight``: a rare class with a large alpha then really pulls harder, and a pixel of weight 0 still counts
    in it.
    """
    return _SoftmaxFocal.apply(logits, label, alpha, gamma, weight, ignore_index)


class _SoftmaxFocal(torch.autograd.Function):
    """The value and, when it is wanted, the gradient in one go, written over the log-probabilities."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        logits: Tensor,
        label: Tensor,
        alpha: Tensor | None,
        gamma: float,
        weight: Tensor | None,
        ignore_index: int,
    ) -> Tensor:
        blocks = CPU_BLOCK if logits.is_cpu else label.numel()
        index, scale, count = _look_up(label, alpha, weight, ignore_index, logits.dtype, blocks)
        log_probs = F.log_softmax(logits, dim=1)
        log_p = log_probs.gather(1, index.unsqueeze(1)).squeeze(1)
        total, miss, slope = _focal_terms(log_p, scale, gamma, blocks)
        if ctx.needs_input_grad[0]:
            log_probs.exp_().scatter_(1, index.unsqueeze(1), miss.unsqueeze(1)).mul_(slope.unsqueeze(1))
            ctx.save_for_backward(log_probs, count)
        return total / count

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        grad, count = ctx.saved_tensors
        return grad * (grad_output / count), None, None, None, None, None


def _in_blocks(size: int, *maps: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views of the maps, flat and ``size`` pixels at a time."""
    return zip(*(pixels.reshape(-1).split(size) for pixels in maps), strict=True)


def _look_up(
    label: Tensor, alpha: Tensor | None, weight: Tensor | None, ignore_index: int, dtype: torch.dtype, blocks: int
) -> tuple[Tensor, Tensor, Tensor]:
    """What there is to know of each pixel before its logits are seen.

    (N, H, W) the label with 0 for ignored, (N, H, W) alpha of it x weight with 0 for ignored, and 0-d the number
    of valid pixels, 1 at least.
    """
    index = torch.empty_like(label, memory_format=torch.contiguous_format)
    scale = torch.ones_like(index, dtype=dtype) if weight is None else weight.to(dtype, copy=True).contiguous()
    count = index.new_zeros(())
    for label_part, index_part, scale_part in _in_blocks(blocks, label, index, scale):
        ignored = label_part == ignore_index
        index_part.copy_(label_part).masked_fill_(ignored, 0)
        if alpha is not None:
            scale_part.mul_(alpha.index_select(0, index_part))
        scale_part.masked_fill_(ignored, 0)
        count += label_part.numel() - ignored.count_nonzero()
    return index, scale, count.clamp_min_(1)


def _focal_terms(log_p: Tensor, scale: Tensor, gamma: float, blocks: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sum of the values (0-d), p - 1 and the slope along -log p (N, H, W); overwrites both arguments."""
    total, miss = log_p.new_zeros(()), torch.expm1(log_p)  # p - 1 without cancellation
    tiny = torch.finfo(log_p.dtype).tiny
    for log_part, scale_part, miss_part in _in_blocks(blocks, log_p, scale, miss):
        # A certain pixel has 0 and 0, whose ratio in the slope would be NaN; at -tiny it is 1, as in the limit.
        log_part.clamp_max_(-tiny)
        miss_part.clamp_max_(-tiny)
        scale_part.mul_(miss_part.neg().pow_(gamma))
        total -= (scale_part * log_part).sum()
        log_part.add_(log_part / miss_part)
        scale_part.addcmul_(scale_part, log_part, value=gamma)
    return total, miss, scale
