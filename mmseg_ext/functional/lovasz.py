"""Lovász-softmax: the convex extension of the Jaccard loss, Berman et al. 2018 (https://arxiv.org/abs/1705.08790)."""

import torch
from torch import Tensor

from mmseg_ext.functional.masking import masked_target, pixel_mask


def lovasz_softmax_loss(
    logits: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255
) -> Tensor:
    """Mean over the classes present in ``label`` of the Lovász extension of 1 - Jaccard, 0-d in 0..1.

    ``logits`` (N, C, H, W), ``label`` (N, H, W), the whole batch as one picture. A class that no valid pixel
    carries is left out, as the authors do; its false alarms cost through the classes they displace. ``weight`` (N,
    H, W) is how often a pixel counts in intersection and union, so 2 equals having the pixel twice, and 0 (or an
    ignored label) not having it.
    """
    mask = pixel_mask(label, weight, ignore_index, logits.dtype)
    target = masked_target(label, logits.shape[1], torch.ones_like(mask), ignore_index)
    errors, order = _by_class((target - logits.softmax(1)).abs()).sort(dim=1, descending=True)
    mass = mask.flatten()[order]
    foreground = _by_class(target).gather(1, order) * mass
    losses = (errors * jaccard_steps(mass, foreground)).sum(1)
    present = (foreground.sum(1) > 0).to(losses.dtype)
    return (losses * present).sum() / present.sum().clamp_min(1)


def _by_class(maps: Tensor) -> Tensor:
    """(N, C, H, W) as (C, N*H*W)."""
    return maps.movedim(1, 0).flatten(1)


def jaccard_steps(mass: Tensor, foreground: Tensor) -> Tensor:
    """Rise of the Jaccard loss as the pixels of (C, P), worst first, are taken to be wrong one after the other.

    ``mass`` is what each pixel counts, ``foreground`` the same where it belongs to the class and 0 elsewhere. With
    the first i pixels wrong the loss is their mass over the union of the class with its false positives among
    them.
    """
    union = foreground.sum(1, keepdim=True) + (mass - foreground).cumsum(1)
    # Pixels of no mass before the first one that counts have no union yet: 0 / tiny is 0, as it should be.
    loss = mass.cumsum(1) / union.clamp_min(torch.finfo(mass.dtype).tiny)
    return loss.diff(dim=1, prepend=torch.zeros_like(loss[:, :1]))
