"""Soft overlap of regions: true positives, false positives, misses, and the Tversky and Dice indices made of them.

Policy for a class that no valid pixel is labelled with: predicted nowhere it is perfect (index 1), predicted
anywhere its index falls to ``eps / (alpha FP + eps)``, next to 0. So it is neither dropped from the mean, which
would make inventing a class free, nor given 0, which would punish its absence. That value carries hardly any
gradient, though, in this as in every other convention: keep a cross-entropy or focal term beside an overlap loss.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mmseg_ext.functional.masking import masked_target, pixel_mask

EPS = 1e-6  # of a pixel: too little to be seen in any index but that of an empty class
KNEE = 1e-6  # below it x ** gamma, gamma < 1, is replaced by a straight line


class Counts(NamedTuple):
    """Soft pixel counts per class, (C,) each, or (N, C) per image."""

    tp: Tensor
    fp: Tensor
    fn: Tensor


def overlap_counts(
    probs: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255, per_image: bool = False
) -> Counts:
    """Counts of ``probs`` (N, C, H, W) in 0..1 against ``label`` (N, H, W); a pixel counts ``weight`` times.

    One channel is the probability of class 1. Over the whole batch, or with ``per_image`` each image for itself.
    """
    mask = pixel_mask(label, weight, ignore_index, probs.dtype)
    target = masked_target(label, probs.shape[1], mask, ignore_index)
    hit = probs * target
    dims = (2, 3) if per_image else (0, 2, 3)
    # Subtracting pixel by pixel keeps a count of a few beside a sum of millions exact in float32.
    return Counts(hit.sum(dims), (probs * mask.unsqueeze(1) - hit).sum(dims), (target - hit).sum(dims))


def tversky_index(counts: Counts, alpha: float, beta: float, eps: float = EPS) -> Tensor:
    """TP / (TP + alpha FP + beta FN) per class (Salehi et al. 2017, https://arxiv.org/abs/1706.05721), in 0..1.

    ``alpha`` prices false positives and ``beta`` misses; 0.5 and 0.5 is Dice, 1 and 1 the Jaccard index.
    """
    tp, fp, fn = counts
    return (tp + eps) / (tp + alpha * fp + beta * fn + eps)


def dice_index(counts: Counts, smooth: float = 2 * EPS) -> Tensor:
    """(2 TP + smooth) / (2 TP + FP + FN + smooth) per class, in 0..1."""
    return tversky_index(counts, 0.5, 0.5, smooth / 2)


def tversky_loss(
    logits: Tensor,
    label: Tensor,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 1.0,
    weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Mean over the classes of (1 - index) ** gamma, 0-d, of ``logits`` (N, C, H, W) and ``label`` (N, H, W).

    gamma 1 is the Tversky loss; below 1 (0.75) it is the focal Tversky loss of Abraham & Khan 2019
    (https://arxiv.org/abs/1810.07842, whose exponent is 1 / gamma), which keeps pushing on nearly solved classes.
    """
    counts = overlap_counts(logits.softmax(1), label, weight, ignore_index)
    return steep_power(1 - tversky_index(counts, alpha, beta), gamma).mean()


def steep_power(x: Tensor, gamma: float) -> Tensor:
    """``x ** gamma`` for x >= 0 with a finite slope everywhere, and 0 at 0.

    For gamma < 1 the slope at 0 is infinite and turns the gradient of a perfect class into NaN; a chord takes
    over.
    """
    if gamma >= 1:
        return x.pow(gamma)
    return torch.where(x > KNEE, x.clamp_min(KNEE).pow(gamma), x * KNEE ** (gamma - 1))


def mean_dice(
    logits: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255, per_image: bool = False
) -> Tensor:
    """Mean Dice index over the classes (and images, with ``per_image``) of softmax probabilities, 0-d in 0..1."""
    return dice_index(overlap_counts(logits.softmax(1), label, weight, ignore_index, per_image)).mean()


def binary_dice(
    logits: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255, smooth: float = 1e-5
) -> Tensor:
    """Mean over images and channels of the Dice index of sigmoid probabilities, 0-d in 0..1."""
    counts = overlap_counts(logits.sigmoid(), label, weight, ignore_index, per_image=True)
    return dice_index(counts, smooth).mean()
