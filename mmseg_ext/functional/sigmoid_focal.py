"""Focal loss of sigmoids, with its gradient in closed form (Lin et al. 2017,
https://arxiv.org/abs/1708.02002).

With the margin m = +-logit, positive where the sigmoid is right, and p its sigmoid, ``(1-p)^gamma (-log p)`` has
the slope ``(1-p)^gamma (gamma p log p - (1-p))`` along m: finite for any gamma, and one buffer of the size of the
logits, where autograd keeps several.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from mmseg_ext.functional.masking import masked_target, pixel_mask, valid_count


def sigmoid_focal_loss(
    logits: Tensor,
    label: Tensor,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Mean over channels and valid pixels of ``alpha_t (1-p_t)^gamma (-log p_t)``, 0-d.

    ``logits`` (N, C, H, W), ``label`` (N, H, W) with 0..C-1 or ``ignore_index``; C = 1 is the single logit of the
    two classes background (0) and defect (1). Every channel is asked "is the pixel of this class": where it is,
    p_t is the sigmoid and alpha_t ``alpha``, elsewhere p_t is 1 - sigmoid and alpha_t 1 - ``alpha``; with None
    alpha_t is 1 everywhere. gamma 0 and no alpha is binary cross-entropy. ``weight`` (N, H, W) multiplies the
    pixels' terms and not the divisor.
    """
    ones = pixel_mask(label, None, ignore_index, logits.dtype)
    target = masked_target(label, logits.shape[1], ones, ignore_index)
    scale = pixel_mask(label, weight, ignore_index, logits.dtype).unsqueeze(1)
    if alpha is not None:
        scale = scale * (target * (2 * alpha - 1)).add_(1 - alpha)
    total = _SigmoidFocal.apply(logits, target.mul_(2).sub_(1), scale, gamma)
    return total / (valid_count(label, ignore_index) * logits.shape[1])


class _SigmoidFocal(torch.autograd.Function):
    """Sum of ``scale (1-p)^gamma (-log p)``, and its gradient where that is wanted; ``sign`` is +1 or -1."""

    @staticmethod
    def forward(ctx: FunctionCtx, logits: Tensor, sign: Tensor, scale: Tensor, gamma: float) -> Tensor:
        margin = logits * sign
        log_p = F.logsigmoid(margin)
        price = torch.sub(log_p, margin, out=margin).mul_(gamma).exp_().mul_(scale)  # (1-p)^gamma, scaled
        total = -(price * log_p).sum()
        if ctx.needs_input_grad[0]:
            slope = log_p.exp().mul_(log_p).mul_(gamma).add_(log_p.expm1_())
            ctx.save_for_backward(slope.mul_(price).mul_(sign))
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = ctx.saved_tensors
        return grad * grad_output, None, None, None
