"""Losses that look at contours: active boundary (Wang et al. 2022) and boundary (Kervadec et al. 2019)."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from mmseg_ext.functional.masking import pixel_mask, valid_count

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
    image, row, col = contour.nonzero(as_tuple=True)
    near = _neighbours(row, col, label.shape[1:])
    log_probs = F.log_softmax(logits, 1)
    others = log_probs.detach() if detach else log_probs
    flow = divergence(others[image[:, None], :, near[0], near[1]], log_probs[image, :, row, col].unsqueeze(1))
    terms = smoothed_nll(flow, nearest_step(distance, image, near), label_smoothing)
    price = distance.to(terms)[image, row, col].clamp_max(max_distance) / max_distance
    if weight is not None:
        price = price * weight.to(terms)[image, row, col]
    return (terms * price).sum() / max(len(image), 1)


def dilate(mask: Tensor) -> Tensor:
    """(N, H, W) bool, grown by one pixel in all 8 directions."""
    return F.max_pool2d(mask.float().unsqueeze(1), 3, stride=1, padding=1).squeeze(1) > 0


def label_contour(label: Tensor, ignore_index: int) -> Tensor:
    """(N, H, W) bool: the pixel differs from the one below or right of it, and neither of the two is ignored."""
    valid = label != ignore_index
    contour = torch.zeros_like(valid)
    contour[:, :-1] |= (label[:, 1:] != label[:, :-1]) & valid[:, 1:] & valid[:, :-1]
    contour[:, :, :-1] |= (label[:, :, 1:] != label[:, :, :-1]) & valid[:, :, 1:] & valid[:, :, :-1]
    return contour


def contour_distance(label: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Distance in pixels to the true contour, less 1 and at least 0, (N, H, W) float32; and which images have one.

    The 1 makes up for the predicted contour being three pixels wide: one that lies right costs nothing.
    """
    contour = label_contour(label, ignore_index)
    has_contour = contour.flatten(1).any(1)
    maps = [distance_transform_edt(~c) if c.any() else np.zeros(c.shape) for c in contour.cpu().numpy()]
    distance = torch.from_numpy(np.stack(maps).astype(np.float32)) - 1
    return distance.clamp_min(0).to(label.device), has_contour


def predicted_contour(logits: Tensor, ring: Tensor, max_ratio: float) -> Tensor:
    """(N, H, W) bool: where the prediction changes most, grown by a pixel and never inside ``ring``.

    At most ``max_ratio`` of an image's pixels (but one at least) before growing: the threshold is the first of
    1e-5 x 1.2^k that leaves no more. It follows in one step from the strongest change that must fall below it.
    """
    log_probs = F.log_softmax(logits, 1)
    change = torch.zeros_like(log_probs[:, 0])
    change[:, :-1] += divergence(log_probs[:, :, :-1], log_probs[:, :, 1:], dim=1)
    change[:, :, :-1] += divergence(log_probs[:, :, :, :-1], log_probs[:, :, :, 1:], dim=1)
    change = change.masked_fill(ring, 0).flatten(1)
    limit = min(max(int(max_ratio * change.shape[1]), 1), change.shape[1] - 1)
    first_out = change.topk(limit + 1, dim=1).values[:, -1:]
    steps = (first_out.clamp_min(1e-5) / 1e-5).log().div(math.log(1.2)).ceil()
    return dilate((change > 1e-5 * 1.2**steps).view_as(ring)) & ~ring


def divergence(p: Tensor, q: Tensor, dim: int = -1) -> Tensor:
    """KL(p || q) of two log-distributions along ``dim``, in nats."""
    return (p.exp() * (p - q)).sum(dim)


def _neighbours(row: Tensor, col: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Rows and columns (K, 8) of the neighbours, moved back to the border where outside, and which those are."""
    steps = torch.tensor(STEPS, device=row.device)
    rows, cols = row[:, None] + steps[:, 0], col[:, None] + steps[:, 1]
    outside = (rows < 0) | (rows >= size[0]) | (cols < 0) | (cols >= size[1])
    return rows.clamp(0, size[0] - 1), cols.clamp(0, size[1] - 1), outside


def nearest_step(distance: Tensor, image: Tensor, near: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """(K,) number of the neighbour nearest to the true contour, the first of equals and never one outside.

    The published code also asks the pixel itself, last. It cannot win: any pixel off the contour has a neighbour
    that is nearer, and one on it has a neighbour at 0 too.
    """
    rows, cols, outside = near
    values = distance[image[:, None], rows, cols].masked_fill(outside, torch.inf)
    # argmax of equal entries is undefined across devices; these are distinct, and the first minimum is the
    # largest.
    rank = torch.arange(len(STEPS), 0, -1, device=values.device)
    return ((values == values.min(1, keepdim=True).values) * rank).argmax(1)


def smoothed_nll(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """(K,) cross-entropy of (K, D) logits with weight 1 - s on the target and s / D on each of the others."""
    log_probs = F.log_softmax(logits, 1)
    rest = smoothing / logits.shape[1]
    hit = log_probs.gather(1, target[:, None]).squeeze(1)
    return -(1 - smoothing - rest) * hit - rest * log_probs.sum(1)


def boundary_loss(
    logits: Tensor,
    label: Tensor,
    distance: Tensor | None = None,
    weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Mean over valid pixels and defect classes of p_c phi_c, 0-d (https://arxiv.org/abs/1812.07032).

    ``logits`` (N, C, H, W), ``label`` (N, H, W), ``distance`` = phi (N, C, H, W), made from the label if not
    given. phi is negative inside a class, so the loss can be negative: it is least, not 0, at a perfect
    prediction. ``weight`` (N, H, W) multiplies the pixels' terms and not the divisor.
    """
    if distance is None:
        distance = signed_distance(label, logits.shape[1])
    mask = pixel_mask(label, weight, ignore_index, logits.dtype).unsqueeze(1)
    terms = (logits.softmax(1) * distance.to(logits))[:, 1:] * mask
    return terms.sum() / (valid_count(label, ignore_index) * (logits.shape[1] - 1))


def signed_distance(label: Tensor, num_classes: int) -> Tensor:
    """Kervadec's phi (N, C, H, W), float32: outside the class the distance to it, inside 1 - the distance out.

    0 for a class that the image lacks, and for one that fills it: there is no contour to measure from. Computed on
    the CPU by SciPy; a data loader can do it ahead.
    """
    maps = [[_signed_distance(image == c) for c in range(num_classes)] for image in label.cpu().numpy()]
    return torch.from_numpy(np.stack(maps).astype(np.float32)).to(label.device)


def _signed_distance(region: np.ndarray) -> np.ndarray:
    if region.all() or not region.any():
        return np.zeros(region.shape)
    return np.where(region, 1 - distance_transform_edt(region), distance_transform_edt(~region))
