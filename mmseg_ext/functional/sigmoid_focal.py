"""Focal loss of independent sigmoids (Lin et al. 2017, https://arxiv.org/abs/1708.02002)."""

import torch.nn.functional as F
from torch import Tensor

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
    margin = logits * (2 * target - 1)  # p_t is its sigmoid
    # The power is the exponential of a logarithm: for gamma < 1 the slope of x ** gamma is infinite at 0.
    terms = (gamma * F.logsigmoid(-margin)).exp() * -F.logsigmoid(margin)
    if alpha is not None:
        terms = terms * (alpha * target + (1 - alpha) * (1 - target))
    mask = pixel_mask(label, weight, ignore_index, logits.dtype).unsqueeze(1)
    return (terms * mask).sum() / (valid_count(label, ignore_index) * logits.shape[1])
