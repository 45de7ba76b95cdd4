"""Active boundary loss, Wang et al. 2022 (https://arxiv.org/abs/2102.02696)."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_ext.functional.distance import distance_to

# (row, column) steps to the neighbours a predicted contour may move to. The order settles ties: the first one
# wins.
STEPS = ((1, 0), (-1, 0), (0, -1), (0, 1), (-1, 1), (1, 1), (-1, -1), (1, -1))


def active_boundary_loss(
    logits: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    max_ratio: float = 0.01,
    max_distance: float = 20.0,
    label_smoothing: float = 0.2,
    detach: bool = True,
) -> Tensor:
    """Push the predicted contours towards the true ones, 0-d >= 0 (https://arxiv.org/abs/2102.02696).

    ``logits`` (N, C, H, W), ``label`` (N, H, W). Each pixel of the predicted contours asks which of its 8
    neighbours is nearest to the true contour, and should differ most (in KL divergence) from that one: a
    cross-entropy over 8 directions, times min(distance, ``max_distance``) / ``max_distance`` and ``weight``,
    averaged over those pixels. 0 with a graph if there is none: flat logits, or a label map without contours.

    The repaired form of the authors' code: contours are picked and distances taken per image and not per batch,
    distances keep their fraction, and no pixel beside an ignored one is used. With ``detach`` (as published) the
    neighbours count as constants, so that what autograd returns is not the slope of the value; without, it is.
    """
    ring = dilate(label == ignore_index)
    distance, has_contour = contour_distance(label, ignore_index)
    contour = predicted_contour(logits.detach(), ring, max_ratio) & has_contour[:, None, None]
    # A pixel whose price is 0, because it lies right, counts in the mean and costs no more than that.
    pixels, near, outside = _neighbours(contour & (distance > 0))
    terms = smoothed_nll(_flow(logits, pixels, near, detach), _nearest(distance, near, outside), label_smoothing)
    price = distance.flatten()[pixels].to(terms).clamp_max(max_distance) / max_distance
    if weight is not None:
        price = price * weight.flatten()[pixels].to(terms)
    return (terms * price).sum() / contour.count_nonzero().clamp_min(1)


def dilate(mask: Tensor) -> Tensor:
    """(N, H, W) bool, grown by one pixel in all 8 directions."""
    tall = mask.clone()
    tall[:, 1:] |= mask[:, :-1]
    tall[:, :-1] |= mask[:, 1:]
    grown = tall.clone()
    grown[:, :, 1:] |= tall[:, :, :-1]
    grown[:, :, :-1] |= tall[:, :, 1:]
    return grown


def label_contour(label: Tensor, ignore_index: int) -> Tensor:
    """(N, H, W) bool: the pixel differs from the one below or right of it, and neither of the two is ignored."""
    valid = label != ignore_index
    contour = torch.zeros_like(valid)
    contour[:, :-1] |= (label[:, 1:] != label[:, :-1]) & valid[:, 1:] & valid[:, :-1]
    contour[:, :, :-1] |= (label[:, :, 1:] != label[:, :, :-1]) & valid[:, :, 1:] & valid[:, :, :-1]
    return contour


def contour_distance(label: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Distance in pixels to the true contour, less 1 and at least 0, (N, H, W) float32, infinite in an image
    without one; and which images have one.

    The 1 makes up for the predicted contour being three pixels wide: one that lies right costs nothing.
    """
    contour = label_contour(label, ignore_index)
    has_contour = contour.flatten(1).any(1)
    distance = torch.from_numpy(np.stack([distance_to(image) for image in contour.cpu().numpy()]))
    return distance.sub_(1).clamp_min_(0).to(label.device), has_contour


def predicted_contour(logits: Tensor, ring: Tensor, max_ratio: float) -> Tensor:
    """(N, H, W) bool: where the prediction changes most, grown by a pixel and never inside ``ring``.

    At most ``max_ratio`` of an image's pixels (but one at least) before growing: the threshold is the first of
    1e-5 x 1.2^k that leaves no more. It follows in one step from the strongest change that must fall below it.
    """
    change = torch.stack([_change(image) for image in logits]).masked_fill_(ring, 0).flatten(1)
    limit = min(max(int(max_ratio * change.shape[1]), 1), change.shape[1] - 1)
    first_out = change.topk(limit + 1, dim=1).values[:, -1:]
    steps = (first_out.clamp_min(1e-5) / 1e-5).log().div(math.log(1.2)).ceil()
    return dilate((change > 1e-5 * 1.2**steps).view_as(ring)) & ~ring


def _change(logits: Tensor) -> Tensor:
    """(H, W): KL(pixel || the one below) + KL(pixel || the one to the right) of one image's logits (C, H, W)."""
    log_probs = F.log_softmax(logits, 0)
    probs, change = log_probs.exp(), torch.zeros_like(log_probs[0])
    change[:-1] += (log_probs[:, :-1] - log_probs[:, 1:]).mul_(probs[:, :-1]).sum(0)
    change[:, :-1] += (log_probs[:, :, :-1] - log_probs[:, :, 1:]).mul_(probs[:, :, :-1]).sum(0)
    return change


def _neighbours(contour: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The K pixels of ``contour`` (N, H, W), numbered through the batch, their neighbours (8, K) and which of
    these are outside; they are moved back to the border.
    """
    _, height, width = contour.shape
    image, row, col = contour.nonzero(as_tuple=True)
    first = image * height
    starts = {y: (first + (row + y).clamp(0, height - 1)) * width for y in (-1, 0, 1)}
    cols = {x: (col + x).clamp(0, width - 1) for x in (-1, 0, 1)}
    above_or_below = {-1: row == 0, 0: row < 0, 1: row == height - 1}
    beside = {-1: col == 0, 0: col < 0, 1: col == width - 1}
    near = torch.stack([starts[y] + cols[x] for y, x in STEPS])
    return starts[0] + col, near, torch.stack([above_or_below[y] | beside[x] for y, x in STEPS])


def _nearest(distance: Tensor, near: Tensor, outside: Tensor) -> Tensor:
    """(K,) number of the neighbour nearest to the true contour, the first of equals and never one outside.

    The published code also asks the pixel itself, last. It cannot win: any pixel off the contour has a neighbour
    that is nearer, and one on it has a neighbour at 0 too.
    """
    values = distance.flatten()[near].masked_fill_(outside, torch.inf)
    # Not argmin, which may take any of equal entries, and another one on another device.
    step, least = torch.zeros_like(near[0]), values[0]
    for number, value in enumerate(values[1:], start=1):
        step = step.masked_fill(value < least, number)
        least = torch.minimum(least, value)
    return step


def _flow(logits: Tensor, pixels: Tensor, near: Tensor, detach: bool) -> Tensor:
    """(8, K): KL(neighbour || pixel). Only those that ``near`` and ``pixels`` name are looked at, each once."""
    used = torch.zeros_like(logits[:, 0], dtype=torch.bool)
    used.view(-1)[pixels] = used.view(-1)[near.flatten()] = True
    place = used.flatten().cumsum(0) - 1
    image, row, col = used.nonzero(as_tuple=True)
    # Classes outermost for the arithmetic, innermost for picking pixels.
    log_probs = logits[image, :, row, col].T.contiguous().log_softmax(0)
    others = log_probs.detach() if detach else log_probs
    probs, around = others.exp(), place[near.T].flatten()
    chosen = probs.T.contiguous().index_select(0, around).view(len(pixels), len(near), len(probs))
    cross = chosen @ log_probs.T.index_select(0, place[pixels]).unsqueeze(2)
    entropy = (probs * others).sum(0)[around].view(len(pixels), len(near))
    return (entropy - cross.squeeze(2)).T


def smoothed_nll(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """(K,) cross-entropy of (D, K) logits with weight 1 - s on the target and s / D on each of the others."""
    log_probs = F.log_softmax(logits, 0)
    rest = smoothing / len(logits)
    hit = log_probs.gather(0, target[None]).squeeze(0)
    return -(1 - smoothing - rest) * hit - rest * log_probs.sum(0)
