"""Boundary loss, Kervadec et al. 2019 (https://arxiv.org/abs/1812.07032), and the distances it is made of."""

import numpy as np
import torch
from scipy.ndimage import find_objects
from torch import Tensor

from mmseg_ext.functional.distance import distance_to
from mmseg_ext.functional.masking import pixel_mask, valid_count


def boundary_loss(
    logits: Tensor,
    label: Tensor,
    distance: Tensor | None = None,
    weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Mean over valid pixels and defect classes of p_c phi_c, 0-d.

    ``logits`` (N, C, H, W), ``label`` (N, H, W), ``distance`` = phi (N, K, H, W) of the classes 1 to K, 0 for
    those above, made from the label if not given. phi is negative inside a class, so the loss can be negative: it
    is least, not 0, at a perfect prediction. ``weight`` (N, H, W) multiplies what pixels add, not the divisor.
    """
    defects = logits.shape[1] - 1
    if distance is None:
        maps = [signed_distance(image, defects) for image in label.cpu().numpy()]
        distance = torch.from_numpy(np.stack(maps))
    distance = distance[:, :defects]
    mask = pixel_mask(label, weight, ignore_index, logits.dtype).unsqueeze(1)
    terms = logits.softmax(1)[:, 1 : 1 + distance.shape[1]] * distance.to(logits) * mask
    return terms.sum() / (valid_count(label, ignore_index) * defects)


def signed_distance(label: np.ndarray, num_defects: int) -> np.ndarray:
    """Kervadec's phi (K, H, W), float32, of the classes 1 to K = ``num_defects`` in ``label`` (H, W).

    In pixels; outside a class the distance to it, inside 1 - the distance out. 0 for a class that the image lacks,
    and for one that fills it: there is no contour to measure from.
    """
    maps = np.zeros((num_defects, *label.shape), np.float32)
    for index, map_ in enumerate(maps, start=1):
        region = label == index
        if region.any() and not region.all():
            _measure(region, map_)
    return maps


def _measure(region: np.ndarray, out: np.ndarray) -> None:
    """phi of one class (H, W) bool, written into ``out``; the way out of a class ends a pixel beside its box."""
    out[:] = distance_to(region)
    (rows, columns) = find_objects(region.view(np.uint8))[0]
    box = tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in (rows, columns))
    inside = distance_to(~region[box])
    np.subtract(1, inside, out=out[box], where=region[box])
