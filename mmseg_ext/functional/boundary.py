"""Boundary loss, Kervadec et al. 2019 (https://arxiv.org/abs/1812.07032), and the distances it is made of."""

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from mmseg_ext.functional.masking import pixel_mask, valid_count


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
