"""Skeleton recall: which share of the middle of every line is found (Kirchhoff et al. 2024,
https://arxiv.org/abs/2404.03010).

A crack that is broken in two loses a few pixels of its area and all of its connection. Recall on the skeleton
prices the gap; and since the label alone is thinned, not the prediction, no gradient has to pass a skeleton.
"""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import find_objects
from torch import Tensor

from mmseg_ext.functional.thinning import thin


def tubed_skeleton(label: Tensor, ignore_index: int = 255, radius: int = 2) -> Tensor:
    """(N, H, W) bool: the skeleton of all that is no background, grown by ``radius`` pixels, as far as labelled.

    ``label`` (N, H, W) with 0 for background. As published: all classes make one skeleton, and it grows along rows
    and columns; ``label`` tells which class each of its pixels belongs to. With a radius of 2 a line of up to four
    pixels is its own tube, but for the corners of its ends. Thinned by Guo and Hall's rule on the CPU; Zhang and
    Suen's, which is published, shrinks some diagonal bars to a single pixel.
    """
    labelled = (label > 0) & (label != ignore_index)
    return torch.from_numpy(np.stack([_tube(mask, radius) for mask in labelled.cpu().numpy()])).to(label.device)


def _tube(mask: np.ndarray, radius: int) -> np.ndarray:
    """The same of one image (H, W); only the box around what is labelled is looked at."""
    tube = np.zeros_like(mask)
    for box in find_objects(mask.astype(np.uint8)):
        grown = thin(mask[box])
        for _ in range(radius):
            grown = _grown(grown)
        tube[box] = grown & mask[box]
    return tube


def _grown(mask: np.ndarray) -> np.ndarray:
    """(H, W) and the four neighbours of each of its pixels."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown


def recall_on(
    tube: Tensor, logits: Tensor, label: Tensor, weight: Tensor | None = None, smooth: float = 1e-5
) -> Tensor:
    """Soft recall on the pixels of ``tube`` (N, H, W) bool, mean over the classes but background, 0-d in 0..1.

    ``logits`` (N, C, H, W), ``label`` (N, H, W). The recall of a class is the sum of its probabilities (softmax;
    for a single logit the sigmoid, of class 1) on its pixels of the tube, over their number: of the whole batch,
    each pixel counted ``weight`` (N, H, W) times, with ``smooth`` added to either sum. So a class that the batch
    lacks has recall 1.
    """
    image, row, col = tube.nonzero(as_tuple=True)
    true, chosen = label[image, row, col], logits[image, :, row, col]
    probs = chosen[:, 0].sigmoid() if chosen.shape[1] == 1 else chosen.softmax(1).gather(1, true[:, None])[:, 0]
    mass = torch.ones_like(probs) if weight is None else weight[image, row, col].to(probs)
    classes = F.one_hot(true - 1, max(chosen.shape[1] - 1, 1)).to(probs)
    found, there = (probs * mass) @ classes, mass @ classes
    return ((found + smooth) / (there + smooth)).mean()
