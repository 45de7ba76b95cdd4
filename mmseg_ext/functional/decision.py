"""From logits to classes and probabilities."""

import torch
from torch import Tensor


def probabilities(logits: Tensor) -> Tensor:
    """(C, ...) logits to probabilities in 0..1: softmax over the channels, sigmoid where there is one alone."""
    return logits.softmax(0) if logits.shape[0] > 1 else logits.sigmoid()


def decide(logits: Tensor, threshold: float | None = None) -> tuple[Tensor, Tensor]:
    """Class of every pixel, (H, W) uint8, and how sure the K pixels of defects are of theirs, (K,) float32.

    ``logits`` are (C, H, W); of equal ones the first class wins. One channel is class 1 where its sigmoid exceeds
    ``threshold``. K counts the pixels of every class but 0, row by row; only for these few the probability is
    worked out.
    """
    if logits.shape[0] == 1:
        probability = logits[0].sigmoid()
        mask = probability > threshold
        return mask.to(torch.uint8), probability[mask].float()
    # Not argmax: torch finds the same index thirty times as fast on a CPU when it also has to give the value.
    top, index = logits.max(0)
    mask = index.to(torch.uint8)
    defects = mask.flatten().nonzero().squeeze(1)
    others = logits.flatten(1)[:, defects].float().logsumexp(0)
    return mask, (top.flatten()[defects].float() - others).exp()
