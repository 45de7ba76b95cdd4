"""Weights that undo the imbalance of the classes in a batch."""

import torch
from torch import Tensor


def balancing_weights(label: Tensor, num_classes: int, power: float, ignore_index: int = 255) -> Tensor:
    """(C,) float64: n ** -power of a class with n pixels in ``label`` (N, H, W), and 0 of one that has none.

    In a mean that these weights enter (``masked_cross_entropy``), a class has the share n ** (1 - power): at power
    0 that of its pixels, at 1 every class that is there has the same, a speck as much as the background around it.
    A label outside 0..C-1 and ``ignore_index`` counts for none; the loss that takes the weights refuses it.
    """
    valid = (label >= 0) & (label < num_classes) & (label != ignore_index)
    bins = label.where(valid, num_classes).flatten()
    # Not bincount, for which a GPU would have to tell the host how many bins it found.
    counts = bins.new_zeros(num_classes + 1).scatter_add_(0, bins, torch.ones_like(bins))
    counts = counts[:num_classes].double()
    return torch.where(counts > 0, counts.clamp_min(1) ** -power, 0.0)
