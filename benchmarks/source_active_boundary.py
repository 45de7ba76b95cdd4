"""The active boundary loss step by step as its authors compute it, faults included: the peer of ours.

What differs from mmseg_ext/functional/active_boundary.py, on purpose: the contour budget of an image is shared by
the whole batch, distances are cut to whole pixels, an ignored pixel counts as a contour, and batches without a
predicted contour are refused. All tensors of a step keep their graph, as they do there.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

OFFSETS = ((1, 0), (-1, 0), (0, -1), (0, 1), (-1, 1), (1, 1), (-1, -1), (1, -1), (0, 0))
FAR = 1e5
SMOOTHING, CLIP, RATIO = 0.2, 20.0, 0.01


def pointwise_divergence(a: Tensor, b: Tensor) -> Tensor:
    """The terms of KL(b || a), of logits with classes in dimension 1."""
    return F.softmax(b, dim=1) * (F.log_softmax(b, dim=1) - F.log_softmax(a, dim=1))


def label_boundary(label: Tensor, ignore_index: int) -> Tensor:
    """(N, H, W) bool: another label below or to the right, or an ignored pixel."""
    down = F.pad(label[:, 1:] != label[:, :-1], (0, 0, 0, 1))
    right = F.pad(label[:, :, 1:] != label[:, :, :-1], (0, 1, 0, 0))
    return down | right | (label == ignore_index)


def predicted_boundary(logits: Tensor) -> Tensor:
    """(N, H, W) bool; the threshold is raised until no more than a hundredth of one image is left."""
    down = pointwise_divergence(logits[:, :, 1:], logits[:, :, :-1]).sum(1, keepdim=True)
    right = pointwise_divergence(logits[:, :, :, 1:], logits[:, :, :, :-1]).sum(1, keepdim=True)
    change = F.pad(down, (0, 0, 0, 1)) + F.pad(right, (0, 1, 0, 0))
    threshold, most = 1e-5, logits.shape[2] * logits.shape[3] * RATIO
    while (change > threshold).sum() > most:
        threshold *= 1.2
    return F.conv2d((change > threshold).float(), torch.ones(1, 1, 3, 3), padding=1)[:, 0] > 0


def whole_distances(boundary: Tensor) -> Tensor:
    """(N, H, W) float32: the distance to the boundary less 1, cut to whole pixels."""
    maps = np.zeros(boundary.shape, np.int32)
    for index, image in enumerate(boundary.numpy()):
        maps[index] = np.maximum(distance_transform_edt(~image) - 1, 0)
    return torch.from_numpy(maps).float()


class Moves(NamedTuple):
    """Which way each of K pixels should go: its divergences (K, 8), the direction (K,) and its price (K,)."""

    divergence: Tensor
    direction: Tensor
    price: Tensor


def moves(logits: Tensor, predicted: Tensor, distance: Tensor) -> Moves:
    """Look at the nine places around every pixel of the predicted boundary; those that stay are left out."""
    image, row, column = predicted.nonzero(as_tuple=True)
    padded = F.pad(distance, (1, 1, 1, 1), value=FAR)
    around = torch.stack([padded[image, row + y + 1, column + x + 1] for y, x in OFFSETS])
    direction = around.argmin(0)
    image, row, column = (index[direction != 8] for index in (image, row, column))
    enlarged = F.pad(logits, (1, 1, 1, 1), mode='replicate').permute(0, 2, 3, 1)
    centre = enlarged[image, row + 1, column + 1]
    terms = []
    for y, x in OFFSETS[:8]:
        neighbour = enlarged[image, row + y + 1, column + x + 1].detach()
        terms.append(pointwise_divergence(centre, neighbour).sum(1))
    price = distance[image, row, column].clamp(max=CLIP) / CLIP
    return Moves(torch.stack(terms, dim=1), direction[direction != 8], price)


def source_active_boundary(logits: Tensor, label: Tensor, ignore_index: int = 255) -> Tensor:
    """The loss of ``logits`` (N, C, H, W) and ``label`` (N, H, W), 0-d; CPU. ValueError without a boundary."""
    predicted = predicted_boundary(logits)
    if not predicted.any():
        raise ValueError('no predicted boundary: where the authors return None')
    found = moves(logits, predicted, whole_distances(label_boundary(label, ignore_index)))
    log_probs = F.log_softmax(found.divergence, dim=1)
    share = torch.full_like(log_probs, SMOOTHING / 8)
    share.scatter_(1, found.direction[:, None], 1 - SMOOTHING)
    return (-(share * log_probs).sum(1) * found.price).mean()
