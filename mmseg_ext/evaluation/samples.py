"""What a metric reads of one image that mmengine hands to it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def masks_of(sample: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Prediction and label (H, W) of an image, class indices. ValueError where there is no label."""
    if 'gt_sem_seg' not in sample:
        raise ValueError('there is no mask to score against; does the pipeline lack LoadAnnotations?')
    pred, label = sample['pred_sem_seg']['data'].squeeze(0), sample['gt_sem_seg']['data'].squeeze(0)
    # mmseg writes the decision of a single logit as 0.0 and 1.0.
    return pred.to(torch.uint8) if pred.is_floating_point() else pred, label


def path_of(sample: Mapping[str, Any]) -> str:
    """How an error names an image."""
    return sample.get('seg_map_path') or sample.get('img_path') or 'an image without a path'
