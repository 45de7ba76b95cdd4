"""Focal and Dice terms of a whole batch, as the mixed loss of the indoor recipe was first written.

Both look at the batch as one: an easy majority hides the pixels that focal loss is made to find, and the
background the classes that Dice is made to find. They are here to reproduce that recipe; softmax_focal_loss and
mean_dice ask every pixel and every class by itself.
"""

import torch
from torch import Tensor

from mmseg_ext.functional.cross_entropy import masked_cross_entropy
from mmseg_ext.functional.overlap import Counts, dice_index, overlap_counts, steep_power


def batch_focal(
    logits: Tensor,
    label: Tensor,
    alpha: float = 0.25,
    gamma: float = 2.0,
    weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """``alpha (1 - exp(-l))^gamma l``, 0-d, with l the mean cross-entropy of the batch: one p for all its pixels.

    ``logits`` (N, C, H, W), ``label`` (N, H, W); l is that of masked_cross_entropy with ``weight`` (N, H, W).
    """
    mean = masked_cross_entropy(logits, label, weight=weight, ignore_index=ignore_index)
    return alpha * steep_power(-torch.expm1(-mean), gamma) * mean


def flat_dice(logits: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255) -> Tensor:
    """Dice index of all classes laid end to end, 0-d in 0..1.

    Since the probabilities of a pixel add up to 1, this is the mean probability of the true class: a defect counts
    as much as its pixels. ``logits`` (N, C, H, W), ``label`` (N, H, W), ``weight`` (N, H, W).
    """
    counts = overlap_counts(logits.softmax(1), label, weight, ignore_index)
    return dice_index(Counts(*(count.sum() for count in counts)))
