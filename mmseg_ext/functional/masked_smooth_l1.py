"""The loss of Painter (Wang et al. 2023, arXiv 2212.02499) and SegGPT (2304.03284): smooth L1 on hidden pixels."""

import torch.nn.functional as F
from torch import Tensor

from mmseg_ext.functional.patch_masks import pixels_of


def masked_smooth_l1(
    prediction: Tensor, target: Tensor, masked: Tensor, valid: Tensor, beta: float = 0.01
) -> Tensor:
    """Mean of smooth L1 over the channels of all pixels that are hidden and valid; 0-d float32.

    ``prediction`` and ``target`` (N, 3, H, W) of any real value, ``masked`` (N, L) bool, the hidden patches,
    ``valid`` (N, H, W) bool, or float: what each pixel counts, 0 where it is not valid. Below ``beta`` the loss of
    a value is ``d^2 / (2 beta)``, above ``d - beta / 2``. The divisor, the sum of what counts, is clamped to 1, so
    that a batch without any such pixel gives 0 with a graph.
    """
    counted = (pixels_of(masked, target.shape[2:]) * valid.unsqueeze(1)).float().expand_as(target)
    losses = F.smooth_l1_loss(prediction.float(), target.float(), reduction='none', beta=beta)
    return (losses.where(counted > 0, losses.new_zeros(())) * counted).sum() / counted.sum().clamp_min(1)
