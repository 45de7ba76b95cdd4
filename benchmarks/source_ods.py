"""The way crack projects commonly score a network, written plainly: every threshold is a pass over all pixels.

A mask is ``p > t``, its F1 pooled over the images of a batch. ODS is the best mean over the batches at one of .10,
.11 … 1.00, OIS the mean over the batches of the best at 0, .01 … 1. With ``sigmoids=2`` the maps go through the
sigmoid twice, as in a code where the caller and the score both apply it: all scores then lie in .5 … .73.
"""

import torch
from torch import Tensor

ODS_GRID = [step / 100 for step in range(10, 101)]
OIS_GRID = [step / 100 for step in range(101)]


def batch_f1(logits: Tensor, masks: Tensor, threshold: float, sigmoids: int) -> float:
    """F1 of a batch (N, H, W) at one threshold, its pixels pooled; 0 where nothing is hit."""
    probability = logits
    for _ in range(sigmoids):
        probability = torch.sigmoid(probability)
    predicted = (probability > threshold).float()
    hits = (predicted * masks).sum()
    precision, recall = hits / (predicted.sum() + 1e-8), hits / (masks.sum() + 1e-8)
    return float(2 * precision * recall / (precision + recall + 1e-8))


def batch_curves(logits: Tensor, masks: Tensor, sigmoids: int) -> tuple[list[float], list[float]]:
    """F1 of one batch at every threshold of the two grids: 192 passes."""
    ods, ois = ([batch_f1(logits, masks, t, sigmoids) for t in grid] for grid in (ODS_GRID, OIS_GRID))
    return ods, ois


def scores(curves: list[tuple[list[float], list[float]]]) -> tuple[float, float]:
    """ODS and OIS from the curves of all batches."""
    ods, ois = (torch.tensor(values, dtype=torch.float64) for values in zip(*curves, strict=True))
    return float(ods.mean(0).max()), float(ois.max(1).values.mean())
